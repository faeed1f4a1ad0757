import { readFile } from "node:fs/promises";
import type { AlignmentTrace } from "../../attention/index.js";
import { UNKNOWN, UsageError } from "../../core/index.js";
import { detokenise, tokenise } from "../../data/index.js";
import { type Decoded, decodedOf, decodeModelFile, wordsOf } from "../../decode/index.js";
import { openOnnx } from "../../session/node.js";
import type { Vocabularies } from "../../train/index.js";
import { writeAtomically } from "../../train/run-folder.node.js";
import { alignmentText, toHtml, toSvg } from "../../views/index.js";
import { beamWidth, type CommandDefinition, type CommonOptions, define, print, warn } from "../command.js";
import { openRun } from "../open-run.js";
import { toPng } from "../png.js";
import { hasColour } from "../terminal.js";

interface SeeOptions extends CommonOptions {
  readonly svg?: string;
  readonly png?: string;
  readonly html?: string;
  readonly beam: number;
  readonly device: string;
  readonly keepUnknown?: boolean;
}

export const seeCommand: CommandDefinition = (program) => {
  define(
    program,
    "see <model> <input>",
    "run one input through a model (a run, or an exported .onnx) and draw what it attended to",
    [
      'see runs/first "I love coffee"',
      'see translator.onnx "I love coffee"',
      'see runs/first "does Ana read the new book?" --svg book.svg --png book.png --html book.html',
    ],
  )
    .option("--svg <file>", "write the picture as SVG")
    .option("--png <file>", "write the picture as PNG")
    .option("--html <file>", "write one page with the picture that needs nothing else")
    .option(
      "--beam <n>",
      "hypotheses kept while decoding; 1 takes the likeliest word each time",
      beamWidth,
      4,
    )
    .option("--keep-unknown", "do not replace unknown words by the source words they looked at")
    .option("--device <name>", "cpu, webgpu or wasm", "cpu")
    .action(see);
};

async function see(path: string, text: string, options: SeeOptions): Promise<void> {
  const words = tokenise(text);
  if (words.length === 0) throw new UsageError("the input is empty; give a sentence, in quotes.");
  const { model, vocabularies, translate } = path.endsWith(".onnx")
    ? await openFile(path)
    : await openFolder(path, options);
  const source = vocabularies.source.encode(words);
  const unknown = words.filter((_, index) => source[index] === UNKNOWN);
  if (unknown.length > 0)
    warn(
      `The model does not know ${unknown.map((word) => `"${word}"`).join(", ")}; it was trained on other words.`,
    );
  const best = await translate(words);
  const target = options.keepUnknown
    ? vocabularies.target.decode(best.tokens)
    : wordsOf(best, vocabularies.target, words);
  const output = detokenise(target);
  const trace = traceOf(words, target, best);
  const traces = trace ? [trace] : [];

  const title = `${text}\n→ ${output}`;
  if (!trace && (options.svg ?? options.png ?? options.html))
    throw new UsageError(`model ${model} has no attention to draw; leave out --svg, --png and --html.`);
  if (trace && options.svg) await writeAtomically(options.svg, toSvg(trace, { title }));
  if (trace && options.png) await writeAtomically(options.png, toPng(toSvg(trace, { title })));
  if (trace && options.html)
    await writeAtomically(
      options.html,
      toHtml(title, [{ heading: "Which words it looked at for each word it wrote", trace }]),
    );
  const written = [options.svg, options.png, options.html].filter((file) => file !== undefined);
  const picture =
    trace &&
    alignmentText(trace, { colour: hasColour(process.stdout), width: process.stdout.columns ?? 100 });
  print(
    options,
    { output, traces },
    [
      output,
      ...(picture ? ["", picture] : []),
      ...(written.length > 0 ? ["", `Written: ${written.join(", ")}`] : []),
    ].join("\n"),
  );
}

/** What `see` needs of a model, from wherever it comes. */
interface Opened {
  readonly model: string;
  readonly vocabularies: Vocabularies;
  /** The best translation of a sentence; the model is released after it. */
  translate(words: readonly string[]): Promise<Decoded>;
}

async function openFolder(path: string, options: SeeOptions): Promise<Opened> {
  const { folder, parameters, evaluator } = await openRun(path, options);
  return {
    model: folder.settings.model,
    vocabularies: folder.vocabularies,
    async translate(words) {
      const [found] = await evaluator.translate(parameters, [words], { beam: options.beam });
      await evaluator.release();
      return found![0]!;
    },
  };
}

/** A file that `regard export` wrote; it decodes greedily by itself. */
async function openFile(path: string): Promise<Opened> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(
      `cannot read "${path}": ${error.code === "ENOENT" ? "there is no such file" : error.message}.`,
    );
  });
  const { model, source, target } = decodeModelFile(bytes, path);
  const session = await openOnnx(bytes);
  return {
    model,
    vocabularies: { source, target },
    async translate(words) {
      const encoded = source.encode(words);
      const results = await session.run({
        source: { dtype: "int32", shape: [encoded.length, 1], data: Int32Array.from(encoded) },
      });
      await session.release();
      return decodedOf(results);
    },
  };
}

/** The alignment of what was decoded, without the end marks; absent where the model has no attention. */
function traceOf(
  source: readonly string[],
  target: readonly string[],
  decoded: Decoded,
): AlignmentTrace | undefined {
  if (!decoded.weights) return undefined;
  return {
    kind: "alignment",
    source: [...source, END_MARK],
    target: [...target, END_MARK].slice(0, decoded.weights.length),
    weights: decoded.weights,
  };
}

/** How the end of a sentence, which attention may look at, is written. */
const END_MARK = "■";
