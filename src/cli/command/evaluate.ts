import { createElement } from "react";
import { UsageError } from "../../core/index.js";
import { overlapOf } from "../../data/index.js";
import { locateData } from "../../data/open.node.js";
import { examplesOfSplit } from "../../service/index.js";
import { fittingExamples, type RangeScore, type Report } from "../../task/index.js";
import { openRunData } from "../../train/run-data.node.js";
import { RunFolder, writeAtomically } from "../../train/run-folder.node.js";
import { ScoreByLength, svgOf } from "../../views/index.js";
import {
  beamWidth,
  type CommandDefinition,
  type CommonOptions,
  define,
  fileOf,
  print,
  warn,
} from "../command.js";
import { openRun } from "../open-run.js";
import { toPng } from "../png.js";
import { status } from "../terminal.js";

interface EvaluateOptions extends CommonOptions {
  readonly data?: string;
  readonly split: string;
  readonly beam: number;
  readonly device: string;
  readonly keepUnknown?: boolean;
  readonly outputs?: boolean;
  readonly svg?: string;
  readonly png?: string;
}

export const evaluateCommand: CommandDefinition = (program) => {
  define(program, "evaluate <runs...>", "score what a model writes and its attention, or several models'", [
    "evaluate runs/first",
    "evaluate runs/first --split test-long --beam 4 --svg length.svg",
    "evaluate runs/rnnsearch runs/seq2seq --split test-long --png compared.png",
    "evaluate runs/first --json --outputs",
  ])
    .option("--data <data>", "what to score on (what the run was trained on)")
    .option("--split <name>", "test, another split of the data, or validation", "test")
    .option(
      "--beam <n>",
      "hypotheses kept while decoding; 1 takes the likeliest word each time",
      beamWidth,
      1,
    )
    .option(
      "--svg <file>",
      "draw BLEU by source length, or correct captions by number of objects, as SVG",
      fileOf("--svg", "svg"),
    )
    .option("--png <file>", "draw the same as PNG", fileOf("--png", "png"))
    .option("--keep-unknown", "do not replace unknown words by the source words they looked at")
    .option("--outputs", "with --json: what was written for each example, and what it was scored against")
    .option("--device <name>", "cpu, webgpu or wasm", "cpu")
    .action(evaluate);
};

/** What is known of one run. */
interface Evaluated extends Omit<Report, "outputs">, Partial<Pick<Report, "outputs">> {
  readonly run: string;
  readonly model: string;
  readonly step: number;
  readonly data: string;
  readonly split: string;
  readonly beam: number;
  readonly examples: number;
  /** What is to be known of the data, such as what was left out. */
  readonly notes: readonly string[];
}

async function evaluate(paths: readonly string[], options: EvaluateOptions): Promise<void> {
  if (options.outputs && !options.json)
    throw new UsageError("--outputs is for --json; give both, or leave it out.");
  // All of them must be runs before the first is scored, which may take long.
  for (const path of paths) await RunFolder.open(path);
  const evaluated: Evaluated[] = [];
  for (const path of paths) {
    const one = await evaluateRun(path, options);
    warn(
      `${path}: ${one.model}, step ${one.step}, on ${one.examples} examples of ${one.data}, split ${one.split}, beam ${one.beam}.`,
    );
    evaluated.push(one);
  }
  const [first] = evaluated;
  const picture = () => {
    if (!first!.breakdown)
      throw new UsageError(
        `there is nothing to draw: ${first!.data} does not say what is in its images; leave out --svg and --png.`,
      );
    const { measure, by } = first!.breakdown;
    const title = `${measure} by ${by}, ${first!.data.split(/[\\/]/).at(-1)} ${options.split}`;
    const series = evaluated.map(({ model, run, breakdown }) => ({
      name: evaluated.filter((other) => other.model === model).length > 1 ? run : model,
      scores: breakdown?.ranges ?? [],
    }));
    return svgOf(createElement(ScoreByLength, { measure, by, series, title }));
  };
  if (options.svg) await writeAtomically(options.svg, picture());
  if (options.png) await writeAtomically(options.png, toPng(picture()));
  print(
    options,
    evaluated.length === 1 ? first : { runs: evaluated },
    evaluated.length === 1 ? textOf(first!) : tableOf(evaluated),
  );
}

async function evaluateRun(path: string, options: EvaluateOptions): Promise<Evaluated> {
  const { folder, task, step, parameters, evaluator, encoder } = await openRun(path, options);
  const { settings, prepared } = folder;
  const { from, to } = settings.dataOptions;
  const data = await openRunData(settings, {
    encoder,
    place: options.data === undefined ? undefined : locateData({ data: options.data, from, to }),
  });
  const { fitting: examples, notes: long } = fittingExamples(
    task,
    examplesOfSplit(data, options.split),
    prepared,
    settings.dataOptions.maxLength,
  );
  const notes = [...(data.notes ?? []), ...long];
  if (options.data !== undefined && task.identity) {
    const own = await openRunData(settings).catch((error: Error) => error);
    const again = own instanceof Error ? 0 : overlapOf(examples, own.train, task.identity);
    if (own instanceof Error)
      notes.push(`Whether any of these sources were trained on is not known: ${own.message}`);
    else if (again > 0)
      notes.push(
        `${again} of the ${examples.length} sources were trained on, so the scores tell of memory as well.`,
      );
  }
  status();
  for (const note of notes) warn(note);
  const { metrics, breakdown, outputs } = await task.report({ evaluator, parameters, prepared }, examples, {
    ...options,
    onProgress: (done) => status(`${done} of ${examples.length} done`),
  });
  status();
  await evaluator.release();
  return {
    run: path,
    model: settings.model,
    step,
    data: options.data ?? settings.data,
    split: options.split,
    beam: options.beam,
    examples: examples.length,
    notes,
    metrics,
    ...(breakdown && { breakdown }),
    ...(options.outputs && { outputs }),
  };
}

const shown = (name: string, value: number | undefined): string =>
  value === undefined ? "–" : value.toFixed(/^(bleu|chrf)/.test(name) ? 2 : 4);

const rangeOf = ({ from, to }: RangeScore): string => (from === to ? `${from}` : `${from}–${to}`);

/** Between what 95 % of bootstrap replicates lie, where that is known. */
const surenessOf = ({ low, high }: RangeScore): string =>
  low === undefined || high === undefined ? "" : ` [${low.toFixed(1)}, ${high.toFixed(1)}]`;

function textOf({ metrics, breakdown }: Evaluated): string {
  const width = Math.max(...Object.keys(metrics).map((name) => name.length));
  const lines = Object.entries(metrics).map(
    ([name, value]) => `${name.padEnd(width)}  ${shown(name, value)}`,
  );
  if (!breakdown) return lines.join("\n");
  const bars = breakdown.ranges.map(
    (range) =>
      `${rangeOf(range).padStart(6)}  ${"█".repeat(Math.round(range.score / 4)).padEnd(25)} ${range.score.toFixed(1)}${surenessOf(range)}  (${range.examples})`,
  );
  const sure = breakdown.ranges.some(({ low }) => low !== undefined);
  const about = sure ? "[95 % of bootstrap replicates] (examples)" : "(examples)";
  return [...lines, "", `${breakdown.measure} by ${breakdown.by} ${about}`, ...bars].join("\n");
}

/** Several runs, a column each. */
function tableOf(evaluated: readonly Evaluated[]): string {
  const names = [...new Set(evaluated.flatMap(({ metrics }) => Object.keys(metrics)))];
  const ranges = [...new Set(evaluated.flatMap(({ breakdown }) => breakdown?.ranges.map(rangeOf) ?? []))];
  const { breakdown: heading } = evaluated[0]!;
  const rows = [
    ["", ...evaluated.map(({ run }) => run)],
    ...names.map((name) => [name, ...evaluated.map(({ metrics }) => shown(name, metrics[name]))]),
    ...(heading ? [[`${heading.measure} by ${heading.by}`, ...evaluated.map(() => "")]] : []),
    ...ranges.map((range) => [
      range,
      ...evaluated.map(({ breakdown }) =>
        shown("bleu", breakdown?.ranges.find((one) => rangeOf(one) === range)?.score),
      ),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
