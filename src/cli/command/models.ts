import { datasets } from "../../data/index.js";
import { models } from "../../models/index.js";
import { taskOfModel } from "../../task/index.js";
import { type CommandDefinition, type CommonOptions, define, print } from "../command.js";

/** The embedded data that a model can be trained on. */
const dataOf = (model: string): string[] =>
  datasets.flatMap(({ id, kind }) => (kind === taskOfModel(model).takes ? [id] : []));

export const modelsCommand: CommandDefinition = (program) => {
  define(program, "models", "list the models, their papers, tasks and data", [
    "models",
    "models --json",
  ]).action((options: CommonOptions) => {
    const list = models.map(({ id, paper, title, year, task, attention }) => ({
      id,
      paper,
      title,
      year,
      task,
      attention,
      data: dataOf(id),
    }));
    const text = list.map(
      ({ id, paper, title, task, attention, data }) =>
        `${id}\n  ${paper}: ${title}\n  task ${task}, attention ${attention.join(", ")}, data ${data.join(", ")}`,
    );
    print(options, list, text.join("\n\n"));
  });
};
