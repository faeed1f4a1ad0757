import { datasets } from "../../data/index.js";
import { models } from "../../models/index.js";
import { type CommandDefinition, type CommonOptions, define, print } from "../command.js";

/** The embedded data of a task. */
const dataOf = (task: string): string[] =>
  datasets.flatMap((dataset) => (dataset.task === task ? [dataset.id] : []));

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
      data: dataOf(task),
    }));
    const text = list.map(
      ({ id, paper, title, task, attention, data }) =>
        `${id}\n  ${paper}: ${title}\n  task ${task}, attention ${attention.join(", ")}, data ${data.join(", ")}`,
    );
    print(options, list, text.join("\n\n"));
  });
};
