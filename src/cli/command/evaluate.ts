import { createElement } from "react";
import { locateData, openData } from "../../data/open.node.js";
import { pairsOf } from "../../service/index.js";
import { type Report, reportOf } from "../../train/index.js";
import { RunFolder, writeAtomically } from "../../train/run-folder.node.js";
import { ScoreByLength, svgOf } from "../../views/index.js";
import { beamWidth, type CommandDefinition, type CommonOptions, define, print, warn } from "../command.js";
import { openRun } from "../open-run.js";
import { toPng } from "../png.js";
import { isInteractive } from "../terminal.js";

interface EvaluateOptions extends CommonOptions {
  readonly data?: string;
  readonly split: string;
  readonly beam: number;
  readonly device: string;
  readonly keepUnknown?: boolean;
  readonly svg?: string;
  readonly png?: string;
}

export const evaluateCommand: CommandDefinition = (program) => {
  define(
    program,
    "evaluate <runs...>",
    "score a model's translations and its attention, or several models'",
    [
      "evaluate runs/first",
      "evaluate runs/first --split test-long --beam 4 --svg length.svg",
      "evaluate runs/rnnsearch runs/seq2seq --split test-long --png compared.png",
    ],
  )
    .option("--data <data>", "what to score on (what the run was trained on)")
    .option("--split <name>", "test, another split of the data, or validation", "test")
    .option(
      "--beam <n>",
      "hypotheses kept while decoding; 1 takes the likeliest word each time",
      beamWidth,
      1,
    )
    .option("--svg <file>", "draw BLEU by source length as SVG")
    .option("--png <file>", "draw BLEU by source length as PNG")
    .option("--keep-unknown", "do not replace unknown words by the source words they looked at")
    .option("--device <name>", "cpu, webgpu or wasm", "cpu")
    .action(evaluate);
};

/** What is known of one run. */
interface Evaluated extends Pick<Report, "metrics" | "byLength"> {
  readonly run: string;
  readonly model: string;
  readonly step: number;
  readonly data: string;
  readonly split: string;
  readonly beam: number;
  readonly sentences: number;
}

async function evaluate(paths: readonly string[], options: EvaluateOptions): Promise<void> {
  // All of them must be runs before the first is scored, which may take long.
  for (const path of paths) await RunFolder.open(path);
  const evaluated: Evaluated[] = [];
  for (const path of paths) {
    const one = await evaluateRun(path, options);
    warn(
      `${path}: ${one.model}, step ${one.step}, on ${one.sentences} pairs of ${one.data}, split ${one.split}, beam ${one.beam}.`,
    );
    evaluated.push(one);
  }
  const [first] = evaluated;
  const title = `BLEU by source length, ${first!.data.split(/[\\/]/).at(-1)} ${options.split}`;
  const picture = () => {
    const series = evaluated.map(({ model, run, byLength }) => ({
      name: evaluated.filter((other) => other.model === model).length > 1 ? run : model,
      scores: byLength,
    }));
    return svgOf(createElement(ScoreByLength, { measure: "BLEU", series, title }));
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
  const { folder, step, parameters, evaluator } = await openRun(path, options);
  const { settings } = folder;
  const { from, to, skipBad } = settings.dataOptions;
  const place = { data: settings.data, from, to };
  const data = await openData(
    options.data === undefined ? place : locateData({ ...place, data: options.data }),
    {
      skipBad,
      seed: settings.seed,
      warn,
    },
  );
  const pairs = pairsOf(data, options.split);
  const interactive = isInteractive(process.stderr);
  const { metrics, byLength } = await reportOf(evaluator, parameters, folder.vocabularies, pairs, {
    ...options,
    onProgress: (done) => {
      if (interactive) process.stderr.write(`\r\u001b[2K${done} of ${pairs.length} translated`);
    },
  });
  if (interactive) process.stderr.write("\r\u001b[2K");
  await evaluator.release();
  return {
    run: path,
    model: settings.model,
    step,
    data: options.data ?? settings.data,
    split: options.split,
    beam: options.beam,
    sentences: pairs.length,
    metrics,
    byLength,
  };
}

const shown = (name: string, value: number | undefined): string =>
  value === undefined ? "–" : value.toFixed(name === "bleu" || name === "chrf" ? 2 : 4);

function textOf({ metrics, byLength }: Evaluated): string {
  const width = Math.max(...Object.keys(metrics).map((name) => name.length));
  const lines = Object.entries(metrics).map(
    ([name, value]) => `${name.padEnd(width)}  ${shown(name, value)}`,
  );
  const bars = byLength.map(
    ({ from, to, sentences, score }) =>
      `${`${from}–${to}`.padStart(6)}  ${"█".repeat(Math.round(score / 4)).padEnd(25)} ${score.toFixed(1)}  (${sentences})`,
  );
  return [...lines, "", "BLEU by words in the source (sentences)", ...bars].join("\n");
}

/** Several runs, a column each. */
function tableOf(evaluated: readonly Evaluated[]): string {
  const names = [...new Set(evaluated.flatMap(({ metrics }) => Object.keys(metrics)))];
  const ranges = [
    ...new Set(evaluated.flatMap(({ byLength }) => byLength.map(({ from, to }) => `${from}–${to}`))),
  ];
  const rows = [
    ["", ...evaluated.map(({ run }) => run)],
    ...names.map((name) => [name, ...evaluated.map(({ metrics }) => shown(name, metrics[name]))]),
    ["BLEU by words in the source", ...evaluated.map(() => "")],
    ...ranges.map((range) => [
      range,
      ...evaluated.map(({ byLength }) =>
        shown("bleu", byLength.find(({ from, to }) => `${from}–${to}` === range)?.score),
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
