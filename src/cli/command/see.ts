import { readFile } from "node:fs/promises";
import type { GatesTrace } from "../../attention/index.js";
import { UNKNOWN, UsageError } from "../../core/index.js";
import { type Decoded, decodedOf, decodeModelFile, readGates, translationOf } from "../../decode/index.js";
import { inputWords } from "../../service/index.js";
import { openOnnx } from "../../session/node.js";
import type { Vocabularies } from "../../train/index.js";
import { writeAtomically } from "../../train/run-folder.node.js";
import { alignmentText, gatesText, toHtml, toSvg } from "../../views/index.js";
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
  readonly gates?: boolean;
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
    .option("--gates", "read the gates of the recurrent layers too, and draw them in --svg and --png")
    .option("--device <name>", "cpu, webgpu or wasm", "cpu")
    .action(see);
};

async function see(path: string, text: string, options: SeeOptions): Promise<void> {
  const words = inputWords(text);
  const opened = path.endsWith(".onnx") ? await openFile(path) : await openFolder(path, options);
  const { model, vocabularies } = opened;
  const { tokens, pieces } = vocabularies.source.segment(words);
  const unknown = pieces.filter((_, index) => tokens[index] === UNKNOWN);
  if (unknown.length > 0)
    warn(
      `The model does not know ${unknown.map((word) => `"${word}"`).join(", ")}; it was trained on other words.`,
    );
  const { output, trace: alignment } = translationOf(
    await opened.translate(words),
    vocabularies,
    words,
    options,
  );
  const gates = options.gates ? await opened.gates(words) : undefined;
  await opened.release();
  const traces = [...(alignment ? [alignment] : []), ...(gates ? [gates] : [])];

  const drawn = gates ?? alignment;
  const title = `${text}\n→ ${output}`;
  if (!drawn && (options.svg ?? options.png ?? options.html))
    throw new UsageError(
      `model ${model} has no attention to draw; draw its gates with --gates, or leave out --svg, --png and --html.`,
    );
  if (drawn && options.svg) await writeAtomically(options.svg, toSvg(drawn, { title }));
  if (drawn && options.png) await writeAtomically(options.png, toPng(toSvg(drawn, { title })));
  if (options.html)
    await writeAtomically(
      options.html,
      toHtml(
        title,
        traces.map((trace) => ({ heading: HEADINGS[trace.kind], trace })),
      ),
    );
  const written = [options.svg, options.png, options.html].filter((file) => file !== undefined);
  const terminal = { colour: hasColour(process.stdout), width: process.stdout.columns ?? 100 };
  const pictures = [
    ...(alignment ? [alignmentText(alignment, terminal)] : []),
    ...(gates ? [gatesText(gates, terminal)] : []),
  ];
  print(
    options,
    { output, traces },
    [
      output,
      ...pictures.flatMap((picture) => ["", picture]),
      ...(written.length > 0 ? ["", `Written: ${written.join(", ")}`] : []),
    ].join("\n"),
  );
}

const HEADINGS = {
  alignment: "Which words it looked at for each word it wrote",
  gates: "What its layers took in and kept of each word",
} as const;

/** What `see` needs of a model, from wherever it comes. */
interface Opened {
  readonly model: string;
  readonly vocabularies: Vocabularies;
  /** The best translation of a sentence. */
  translate(words: readonly string[]): Promise<Decoded>;
  /** The gates of the layers that read the sentence. @throws UsageError where they cannot be read */
  gates(words: readonly string[]): Promise<GatesTrace>;
  release(): Promise<void>;
}

async function openFolder(path: string, options: SeeOptions): Promise<Opened> {
  const { folder, translator, backend, parameters, evaluator } = await openRun(path, options);
  const { vocabularies } = folder;
  return {
    model: folder.settings.model,
    vocabularies,
    async translate(words) {
      const [found] = await evaluator.translate(parameters, [words], { beam: options.beam });
      return found![0]!;
    },
    gates: (words) => readGates(translator, backend, parameters, vocabularies.source, words),
    release: () => evaluator.release(),
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
      return decodedOf(results);
    },
    async gates() {
      throw new UsageError(
        `${path} holds no gates; give the run it was exported from, or leave out --gates.`,
      );
    },
    release: () => session.release(),
  };
}
