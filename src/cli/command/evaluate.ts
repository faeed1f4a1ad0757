import { createElement } from "react";
import { UsageError } from "../../core/index.js";
import { detokenise, type Pair, type ParallelData } from "../../data/index.js";
import { wordsOf } from "../../decode/index.js";
import { alignmentErrorRate, alignmentPrecision, alignmentRecall, bleu, chrf } from "../../explain/index.js";
import { writeAtomically } from "../../train/run-folder.node.js";
import { type LengthScore, ScoreByLength, svgOf } from "../../views/index.js";
import { beamWidth, type CommandDefinition, type CommonOptions, define, print, warn } from "../command.js";
import { openData } from "../open-data.js";
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
  define(program, "evaluate <run>", "score a model's translations and its attention", [
    "evaluate runs/first",
    "evaluate runs/first --split test-long --beam 4 --svg length.svg",
  ])
    .option("--data <id>", "what to score on (what the run was trained on)")
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

function splitOf(data: ParallelData, name: string): readonly Pair[] {
  const splits: Record<string, readonly Pair[]> = { ...data.tests, validation: data.validation };
  const pairs = splits[name];
  if (!pairs)
    throw new UsageError(`the data has no split "${name}"; it has ${Object.keys(splits).join(", ")}.`);
  return pairs;
}

async function evaluate(path: string, options: EvaluateOptions): Promise<void> {
  const { folder, step, parameters, evaluator } = await openRun(path, options);
  const id = options.data ?? folder.settings.data;
  const pairs = splitOf(await openData({ ...folder.settings, data: id }), options.split);
  const { loss, alignment, attention } = await evaluator.score(parameters, pairs);
  const found = await evaluator.translate(
    parameters,
    pairs.map(({ source }) => source),
    {
      beam: options.beam,
      onProgress: (done) => {
        if (isInteractive(process.stderr))
          process.stderr.write(`\r\u001b[2K${done} of ${pairs.length} translated`);
      },
    },
  );
  if (isInteractive(process.stderr)) process.stderr.write("\r\u001b[2K");
  await evaluator.release();

  const { target } = folder.vocabularies;
  const hypotheses = found.map(([best], index) =>
    detokenise(
      options.keepUnknown ? target.decode(best!.tokens) : wordsOf(best!, target, pairs[index]!.source),
    ),
  );
  const references = pairs.map((pair) => detokenise(pair.target));
  const metrics = {
    loss,
    perplexity: Math.exp(loss),
    bleu: bleu(
      hypotheses,
      references.map((reference) => [reference]),
    ),
    chrf: chrf(hypotheses, references),
    exact: hypotheses.filter((text, index) => text === references[index]).length / pairs.length,
    ...(alignment.sure > 0 && {
      aer: alignmentErrorRate(alignment),
      alignmentPrecision: alignmentPrecision(alignment),
      alignmentRecall: alignmentRecall(alignment),
    }),
    ...(attention && { attentionEntropy: attention.entropy, attentionCoverage: attention.coverage }),
  };
  const byLength = scoresByLength(pairs, hypotheses, references);
  const title = `BLEU by source length, ${id} ${options.split}`;
  const picture = () =>
    svgOf(
      createElement(ScoreByLength, {
        measure: "BLEU",
        series: [{ name: folder.settings.model, scores: byLength }],
        title,
      }),
    );
  if (options.svg) await writeAtomically(options.svg, picture());
  if (options.png) await writeAtomically(options.png, toPng(picture()));

  const width = Math.max(...Object.keys(metrics).map((name) => name.length));
  const lines = Object.entries(metrics).map(
    ([name, value]) => `${name.padEnd(width)}  ${value.toFixed(name === "bleu" || name === "chrf" ? 2 : 4)}`,
  );
  const bars = byLength.map(
    ({ from, to, sentences, score }) =>
      `${`${from}–${to}`.padStart(6)}  ${"█".repeat(Math.round(score / 4)).padEnd(25)} ${score.toFixed(1)}  (${sentences})`,
  );
  warn(
    `${folder.settings.model}, step ${step}, on ${pairs.length} pairs of ${id}, split ${options.split}, beam ${options.beam}.`,
  );
  print(
    options,
    {
      run: path,
      step,
      data: id,
      split: options.split,
      beam: options.beam,
      sentences: pairs.length,
      metrics,
      byLength,
    },
    [...lines, "", "BLEU by words in the source (sentences)", ...bars].join("\n"),
  );
}

/** Words of source length that are scored together. */
const LENGTH_RANGE = 3;

function scoresByLength(
  pairs: readonly Pair[],
  hypotheses: readonly string[],
  references: readonly string[],
): LengthScore[] {
  const groups = new Map<number, number[]>();
  pairs.forEach(({ source }, index) => {
    const group = Math.floor((source.length - 1) / LENGTH_RANGE);
    groups.set(group, [...(groups.get(group) ?? []), index]);
  });
  return [...groups]
    .sort(([a], [b]) => a - b)
    .map(([group, members]) => ({
      from: group * LENGTH_RANGE + 1,
      to: (group + 1) * LENGTH_RANGE,
      sentences: members.length,
      score: bleu(
        members.map((index) => hypotheses[index]!),
        members.map((index) => [references[index]!]),
      ),
    }));
}
