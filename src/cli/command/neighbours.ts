import { UsageError } from "../../core/index.js";
import { expressionOf } from "../../data/index.js";
import { readRatings } from "../../data/vectors/files.node.js";
import { type CommandDefinition, type CommonOptions, define, print, whole } from "../command.js";
import { type VectorOptions, withVectorOptions, withVectors } from "../open-vectors.js";

interface NeighbourOptions extends CommonOptions, VectorOptions {
  readonly count: number;
  readonly ratings?: string;
}

export const neighboursCommand: CommandDefinition = (program) => {
  withVectorOptions(
    define(
      program,
      "neighbours <vectors> [words]",
      "the words nearest to a word, or to words added and taken away",
      [
        "neighbours runs/words paris",
        'neighbours runs/words "king - man + woman"',
        "neighbours glove.6B.100d.txt paris --count 20",
        "neighbours runs/translation coffee --table source.table",
        "neighbours runs/words --ratings EN-WS-353-ALL.txt",
      ],
    ),
  )
    .option("--count <n>", "words to name", whole("--count"), 10)
    .option(
      "--ratings <file>",
      "how cosines agree with people: two words and a number a line, with tabs between",
    )
    .action(neighbours);
};

const neighbours = (path: string, text: string | undefined, options: NeighbourOptions): Promise<void> =>
  withVectors(path, options, async (space) => {
    if (options.ratings !== undefined) {
      const { correlation, asked, given } = await space.similarity(await readRatings(options.ratings));
      return print(
        options,
        { correlation: correlation ?? null, asked, given },
        `Rank correlation ${correlation?.toFixed(3) ?? "undefined"} with people, over ${asked} of ${given} pairs; the others have a word that there is no vector of.`,
      );
    }
    if (text === undefined)
      throw new UsageError(
        'name a word, as in: regard neighbours runs/words paris; or "king - man + woman".',
      );
    const found = await space.neighbours(
      expressionOf(text, (piece) => [piece]),
      options.count,
    );
    const width = Math.max(0, ...found.map(({ word }) => word.length));
    print(
      options,
      { words: text, neighbours: found },
      found.map(({ word, cosine }) => `${word.padEnd(width)}  ${cosine.toFixed(3)}`).join("\n"),
    );
  });
