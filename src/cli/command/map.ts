import { readFile } from "node:fs/promises";
import { createElement } from "react";
import { z } from "zod";
import { UsageError } from "../../core/index.js";
import type { WordVectors } from "../../data/index.js";
import { type MapState, PointMap, type Points, trustworthiness } from "../../explain/index.js";
import { openVectors } from "../../service/runs.node.js";
import { checked } from "../../train/index.js";
import { writeAtomically } from "../../train/run-folder.node.js";
import { drawable, svgOf, WordMap, wordMapPage, wordMapText } from "../../views/index.js";
import {
  type CommandDefinition,
  type CommonOptions,
  define,
  fileOf,
  number,
  print,
  warn,
  whole,
} from "../command.js";
import { Interrupted, interruptSignal } from "../interrupt.js";
import { type VectorOptions, withVectorOptions } from "../open-vectors.js";
import { toPng } from "../png.js";
import { duration, status } from "../terminal.js";

interface MapOptions extends CommonOptions, VectorOptions {
  readonly count: number;
  readonly perplexity: number;
  readonly iterations: number;
  readonly classes?: string;
  readonly svg?: string;
  readonly png?: string;
  readonly html?: string;
  readonly out?: string;
  readonly resume?: string;
}

export const mapCommand: CommandDefinition = (program) => {
  withVectorOptions(
    define(program, "map <vectors>", "words on a plane, those that are alike near each other (t-SNE)", [
      "map runs/words --html words.html",
      "map runs/translation --table source.table --count 500 --png words.png",
      "map glove.6B.100d.txt --count 10000 --perplexity 50 --svg words.svg",
      "map runs/words --resume map.json --iterations 2000",
    ]),
  )
    .option(
      "--count <n>",
      "words, the first of the vectors, which are the most frequent",
      whole("--count"),
      2000,
    )
    .option("--perplexity <n>", "how many neighbours each word has, about", number, 30)
    .option("--iterations <n>", "iterations of gradient descent", whole("--iterations"), 1000)
    .option(
      "--classes <file>",
      "what words are, by which they are coloured: a word, a tab and its class a line",
    )
    .option("--svg <file>", "draw it", fileOf("--svg", "svg"))
    .option("--png <file>", "draw it", fileOf("--png", "png"))
    .option("--html <file>", "a page that zooms and searches", fileOf("--html", "html"))
    .option("--out <file>", "keep where words are, and how to go on (map.json where it is stopped)")
    .option("--resume <file>", "go on with a map that was kept")
    .action(map);
};

/** Where a stopped map is kept where nothing else is asked for. */
const STOPPED = "map.json";
/** Columns and rows of a map in a terminal. */
const [COLUMNS, ROWS] = [100, 32] as const;
/** Neighbours by which a map is judged. */
const NEIGHBOURS = 5;

const keptSchema = z.object({
  words: z.array(z.string()),
  perplexity: z.number(),
  state: z.object({
    iteration: z.int().min(0),
    places: z.array(z.number()),
    moves: z.array(z.number()),
    gains: z.array(z.number()),
  }),
});

/** A map that was kept. @throws UsageError where the file is none */
async function keptMap(file: string): Promise<z.output<typeof keptSchema>> {
  const text = await readFile(file, "utf8").catch((error: Error) => {
    throw new UsageError(`cannot read "${file}": ${error.message}.`);
  });
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    throw new UsageError(`"${file}" is no map that was kept: it is not JSON; begin anew without --resume.`);
  }
  return checked(`the map "${file}",`, keptSchema, found);
}

/** Classes of words. @throws UsageError naming the line that has no tab */
async function classesOf(file: string): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(file, "utf8").catch((error: Error) => {
    throw new UsageError(`cannot read "${file}": ${error.message}.`);
  });
  return new Map(
    text.split(/\r?\n/).flatMap((line, index) => {
      if (line === "") return [];
      const [word, kind] = line.split("\t");
      if (kind === undefined)
        throw new UsageError(
          `"${file}", line ${index + 1}: there is no tab; give a word, a tab and its class.`,
        );
      return [[word!, kind] as const];
    }),
  );
}

const pointsOf = ({ size, values }: WordVectors, count: number): Points => ({
  count,
  size,
  values: Float64Array.from(values.subarray(0, count * size)),
});

async function map(path: string, options: MapOptions): Promise<void> {
  const kinds = options.classes === undefined ? undefined : await classesOf(options.classes);
  const kept = options.resume === undefined ? undefined : await keptMap(options.resume);
  const vectors = await openVectors(path, { table: options.table, warn });
  const perplexity = kept?.perplexity ?? options.perplexity;
  const count = Math.min(kept?.words.length ?? options.count, vectors.words.length);
  const words = vectors.words.slice(0, count);
  if (kept?.words.some((word, index) => word !== words[index]))
    throw new UsageError(
      `the map "${options.resume}" is of other words than "${path}" has; begin anew without --resume.`,
    );
  const points = pointsOf(vectors, count);
  const { signal, stop } = interruptSignal(() => status("Stopping …"));
  const pause = async () => {
    // Signals are heard between tasks.
    await new Promise(setImmediate);
    if (signal.aborted) throw new Interrupted("stopped before there was a map; nothing was written.");
  };
  try {
    const found = await PointMap.of(points, {
      perplexity,
      onProgress: (done) => {
        status(`neighbours of ${done} of ${count} words`);
        return pause();
      },
    });
    if (kept) found.restore(kept.state);
    const divergence = await settle(found, options.iterations, signal);
    status();
    const keep = (file: string) =>
      writeAtomically(
        file,
        JSON.stringify({ words, perplexity, state: found.state } satisfies { state: MapState } & Record<
          string,
          unknown
        >),
      );
    if (signal.aborted) {
      const file = options.out ?? options.resume ?? STOPPED;
      await keep(file);
      throw new Interrupted(
        `stopped at iteration ${found.iteration}; go on with: regard map ${path} --resume ${file}`,
      );
    }
    await told(found, divergence, { points, words, kinds, path, options, keep });
  } finally {
    stop();
  }
}

/** Iterates until there have been so many, or a signal says stop. @returns the last divergence */
async function settle(found: PointMap, iterations: number, signal: AbortSignal): Promise<number> {
  const [started, first] = [performance.now(), found.iteration];
  let divergence = Number.NaN;
  while (found.iteration < iterations && !signal.aborted) {
    divergence = found.step();
    if (found.iteration % 10 !== 0) continue;
    const each = (performance.now() - started) / 1000 / (found.iteration - first);
    status(
      `iteration ${found.iteration} of ${iterations}  divergence ${divergence.toFixed(3)}  ${duration(each * (iterations - found.iteration))} left`,
    );
    await new Promise(setImmediate);
  }
  return divergence;
}

async function told(
  { places, iteration }: PointMap,
  divergence: number,
  about: {
    readonly points: Points;
    readonly words: readonly string[];
    readonly kinds: ReadonlyMap<string, string> | undefined;
    readonly path: string;
    readonly options: MapOptions;
    keep(file: string): Promise<void>;
  },
): Promise<void> {
  const { points, words, kinds, path, options, keep } = about;
  const { svg, png, html, out } = options;
  const drawn = words.map((word, index) => ({
    label: drawable(word),
    x: places[2 * index]!,
    y: places[2 * index + 1]!,
    kind: kinds?.get(word),
  }));
  const title = `${words.length.toLocaleString("en")} words of ${path.split(/[\\/]/).at(-1)}`;
  const picture = () => svgOf(createElement(WordMap, { points: drawn, title }));
  if (svg) await writeAtomically(svg, picture());
  if (png) await writeAtomically(png, toPng(picture()));
  if (html) await writeAtomically(html, wordMapPage({ points: drawn, title }));
  if (out) await keep(out);
  const trust = trustworthiness(points, { count: words.length, size: 2, values: places }, NEIGHBOURS);
  const files = [svg, png, html, out].filter((file) => file !== undefined);
  print(
    options,
    {
      iterations: iteration,
      divergence,
      trustworthiness: trust,
      words: words.map((word, index) => ({ word, x: places[2 * index], y: places[2 * index + 1] })),
    },
    [
      wordMapText(drawn, COLUMNS, ROWS),
      "",
      `${iteration} iterations, divergence ${divergence.toFixed(3)} nats. Neighbours on the map are neighbours in truth by ${trust.toFixed(3)} (trustworthiness; 1 is all).`,
      ...(files.length > 0
        ? [`Written: ${files.join(", ")}`]
        : ["--html words.html makes a page of it that zooms and searches."]),
    ].join("\n"),
  );
}
