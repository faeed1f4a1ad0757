import { UsageError } from "../../core/index.js";
import { readAnalogies } from "../../data/format/text.node.js";
import { shareRight } from "../../explain/index.js";
import { type CommandDefinition, type CommonOptions, define, number, print, whole } from "../command.js";
import { type VectorOptions, withVectorOptions, withVectors } from "../open-vectors.js";
import { status } from "../terminal.js";

interface AnalogyOptions extends CommonOptions, VectorOptions {
  readonly count: number;
  readonly questions?: string;
  readonly among?: number;
}

export const analogyCommand: CommandDefinition = (program) => {
  withVectorOptions(
    define(
      program,
      "analogy <vectors> [words...]",
      "the word that is to the third as the second is to the first",
      [
        "analogy runs/words man king woman",
        "analogy GoogleNews.bin france paris italy --count 5",
        "analogy runs/words --questions questions-words.txt --among 30000",
      ],
    ),
  )
    .option("--count <n>", "words to name", whole("--count"), 3)
    .option("--questions <file>", "answer a list of analogies: four words a line, relations behind colons")
    .option(
      "--among <n>",
      "with --questions: words that may be answers and be asked about, the first (all)",
      number,
    )
    .action(analogy);
};

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const analogy = (path: string, words: readonly string[], options: AnalogyOptions): Promise<void> =>
  withVectors(path, options, async (space) => {
    if (options.questions === undefined) {
      const [a, b, c] = words;
      if (words.length !== 3)
        throw new UsageError(
          `there are ${words.length} words in place of 3; ask as in: regard analogy ${path} man king woman.`,
        );
      const found = await space.neighbours(
        { words: [b!, a!, c!], less: [false, true, false] },
        options.count,
      );
      return print(
        options,
        { words, answers: found },
        found.map(({ word, cosine }) => `${word}  ${cosine.toFixed(3)}`).join("\n"),
      );
    }
    const list = await readAnalogies(options.questions);
    const scores = await space.analogies(list, options.among ?? space.vectors.words.length, (done, of) =>
      status(`${done} of ${of} analogies`),
    );
    status();
    const sum = (key: "right" | "asked" | "given") => scores.reduce((total, score) => total + score[key], 0);
    const width = Math.max(3, ...scores.map(({ relation }) => relation.length));
    const line = (name: string, right: number, asked: number, given: number) =>
      `${name.padEnd(width)}  ${(asked > 0 ? percent(right / asked) : "–").padStart(7)}  of ${asked} asked, ${given} given`;
    print(
      options,
      { right: shareRight(scores), asked: sum("asked"), given: sum("given"), relations: scores },
      [
        ...scores.map(({ relation, right, asked, given }) => line(relation, right, asked, given)),
        line("all", sum("right"), sum("asked"), sum("given")),
      ].join("\n"),
    );
  });
