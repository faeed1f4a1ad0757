import { models } from "../../models/index.js";
import { type CommandDefinition, type CommonOptions, define, print } from "../command.js";

export const modelsCommand: CommandDefinition = (program) => {
  define(program, "models", "list the models, their papers, tasks and data", [
    "models",
    "models --json",
  ]).action((options: CommonOptions) => {
    const list = models.map(({ id, paper, title, year, task, attention, data }) => ({
      id,
      paper,
      title,
      year,
      task,
      attention,
      data,
    }));
    const text = list.map(
      ({ id, paper, title, task, attention, data }) =>
        `${id}\n  ${paper}: ${title}\n  task ${task}, attention ${attention.join(", ")}, data ${data.join(", ")}`,
    );
    print(options, list, text.join("\n\n"));
  });
};
