import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { Option } from "commander";
import { createElement } from "react";
import type { AttentionTrace, GatesTrace } from "../../attention/index.js";
import { UNKNOWN, UsageError } from "../../core/index.js";
import { detokenise } from "../../data/index.js";
import {
  beamScore,
  type Decoded,
  type Decoding,
  decodedOf,
  decodeModelFile,
  decodingText,
  END_MARK,
  type ModelFile,
  readGates,
  translationOf,
} from "../../decode/index.js";
import { type CaptioningSizes, modelById } from "../../models/index.js";
import { inputWords, type SeenImage } from "../../service/index.js";
import type { OpenedModel } from "../../session/index.js";
import { openOnnx } from "../../session/node.js";
import {
  pixelsValue,
  restoredVocabularies,
  spatialTrace,
  type TextVocabularies,
  textVocabularies,
} from "../../task/index.js";
import { RunFolder, writeAtomically } from "../../train/run-folder.node.js";
import { AttentionTrajectory, drawableAll, type MapStyle, svgOf } from "../../views/index.js";
import {
  type CommandDefinition,
  type CommonOptions,
  define,
  fileOf,
  number,
  print,
  warn,
  withBeam,
} from "../command.js";
import { openCaptioner, readImageFile } from "../open-captioner.js";
import { openRun } from "../open-run.js";
import { textOf, writeAnimation, writePictures } from "../pictures.js";

interface SeeOptions extends CommonOptions {
  readonly svg?: string;
  readonly png?: string;
  readonly html?: string;
  readonly beam: number;
  readonly device: string;
  readonly keepUnknown?: boolean;
  readonly gates?: boolean;
  readonly animation?: string;
  readonly path?: string;
  readonly style?: MapStyle;
  readonly sample?: number;
}

export const seeCommand: CommandDefinition = (program) => {
  withBeam(
    define(
      program,
      "see <model> <input>",
      "run one input, a sentence or an image, through a model (a run, or an exported .onnx) and draw what it attended to",
      [
        'see runs/first "I love coffee"',
        'see translator.onnx "I love coffee"',
        'see runs/first "does Ana read the new book?" --svg book.svg --png book.png --html book.html',
        "see runs/captions photograph.jpg --png looked.png --animation looked.svg",
        "see runs/captions test:17 --svg looked.svg --map grid",
      ],
    ),
  )
    .option("--svg <file>", "write the picture as SVG", fileOf("--svg", "svg"))
    .option("--png <file>", "write the picture as PNG", fileOf("--png", "png"))
    .option(
      "--html <file>",
      "write one page with the picture that needs nothing else",
      fileOf("--html", "html"),
    )
    .option("--keep-unknown", "do not replace unknown words by the source words they looked at")
    .option("--gates", "read the gates of the recurrent layers too, and draw them in --svg and --png")
    .option(
      "--animation <file>",
      "images: write the attention of one word after the other as a moving SVG",
      fileOf("--animation", "svg"),
    )
    .option(
      "--path <file>",
      "images: write the way that attention took over the image as SVG",
      fileOf("--path", "svg"),
    )
    .addOption(
      new Option("--map <style>", "images: smooth, or grid: every cell as it is").choices(["smooth", "grid"]),
    )
    .option("--sample <seed>", "hard attention: draw the places, in place of the likeliest ones", number)
    .option("--device <name>", "cpu, webgpu or wasm", "cpu")
    .action((path: string, input: string, { map, ...options }: SeeOptions & { map?: MapStyle }) =>
      see(path, input, { ...options, ...(map && { style: map }) }),
    );
};

async function see(path: string, input: string, options: SeeOptions): Promise<void> {
  if (path.endsWith(".onnx")) {
    const { about, session } = await openFile(path);
    return about.task === "captioning"
      ? seeImageByFile(path, about, session, input, options)
      : seeText(fileTranslator(path, about, session), input, options);
  }
  const folder = await RunFolder.open(path);
  return modelById(folder.settings.model).task === "captioning"
    ? seeImage(folder, input, options)
    : seeText(await openTranslator(path, options), input, options);
}

async function seeText(opened: Opened, text: string, options: SeeOptions): Promise<void> {
  if (options.animation ?? options.sample ?? options.path ?? options.style)
    throw new UsageError(
      "--animation, --path, --map and --sample are for models that read images; leave them out.",
    );
  const words = inputWords(text);
  const { model, vocabularies } = opened;
  const { tokens, pieces } = vocabularies.source.segment(words);
  const unknown = pieces.filter((_, index) => tokens[index] === UNKNOWN);
  if (unknown.length > 0)
    warn(
      `The model does not know ${drawableAll(unknown)
        .map((word) => `"${word}"`)
        .join(", ")}; it was trained on other words.`,
    );
  const hypotheses = (await opened.translate(words)).map((one) => ({
    ...translationOf(one, vocabularies, words, options),
    score: beamScore(one),
  }));
  const { output, trace: alignment } = hypotheses[0]!;
  const gates = options.gates ? await opened.gates(words) : undefined;
  await opened.release();
  const traces = [...(alignment ? [alignment] : []), ...(gates ? [gates] : [])];
  const drawn = gates ?? alignment;
  if (!drawn && (options.svg ?? options.png ?? options.html))
    throw new UsageError(
      `model ${model} has no attention to draw; draw its gates with --gates, or leave out --svg, --png and --html.`,
    );
  const written = await writePictures(
    options,
    `${text}\n→ ${output}`,
    drawn,
    traces.map((trace) => ({ heading: HEADINGS[trace.kind], trace })),
  );
  show(options, output, opened.decoding, traces, written, {
    hypotheses: hypotheses.map((one) => ({ output: one.output, score: one.score })),
  });
}

function show(
  options: SeeOptions,
  output: string,
  decoding: Decoding,
  traces: readonly AttentionTrace[],
  written: readonly string[],
  more: Readonly<Record<string, unknown>> = {},
): void {
  print(
    options,
    { output, decoding, traces, ...more },
    [
      output,
      `(${decodingText(decoding)})`,
      ...traces.flatMap((trace) => ["", textOf(trace)]),
      ...(written.length > 0 ? ["", `Written: ${written.join(", ")}`] : []),
    ].join("\n"),
  );
}

const HEADINGS = {
  alignment: "Which words it looked at for each word it wrote",
  gates: "What its layers took in and kept of each word",
  spatial: "Where in the image it looked for each word it wrote",
} as const;

function assertForImages({ gates, keepUnknown }: SeeOptions): void {
  if (gates ?? keepUnknown)
    throw new UsageError("--gates and --keep-unknown are for models that read text; leave them out.");
}

async function seeImage(folder: RunFolder, name: string, options: SeeOptions): Promise<void> {
  assertForImages(options);
  if (!Number.isSafeInteger(options.sample ?? 0) || (options.sample ?? 0) < 0)
    throw new UsageError(`--sample is ${options.sample} but must be a whole number from 0.`);
  const { captioner, imageOf } = await openCaptioner(folder, options.device);
  const image = await imageOf(name);
  const { beam, sample } = options;
  const seen = await captioner.see(image, {
    beam,
    ...(sample !== undefined && { sample }),
  });
  await captioner.release();
  const { gold, references, hypotheses } = seen;
  await drawImage(name, folder.settings.model, seen, options, {
    hypotheses,
    references,
    ...(gold && { correct: gold.correct }),
  });
}

/** Draws and prints a caption and where it looked. */
async function drawImage(
  name: string,
  model: string,
  { output, decoding, trace }: Pick<SeenImage, "output" | "decoding" | "trace">,
  options: SeeOptions,
  more: Readonly<Record<string, unknown>>,
): Promise<void> {
  if (!trace && (options.svg ?? options.png ?? options.html ?? options.animation ?? options.path))
    throw new UsageError(
      `model ${model} has no attention to draw; regard explain shows what its words depend on.`,
    );
  const title = `${basename(name)}\n→ ${output}`;
  const written = await writePictures(
    options,
    title,
    trace,
    trace ? [{ heading: HEADINGS.spatial, trace }] : [],
  );
  if (trace && options.animation) {
    await writeAnimation(options.animation, title, trace);
    written.push(options.animation);
  }
  if (trace && options.path) {
    await writeAtomically(options.path, svgOf(createElement(AttentionTrajectory, { trace, title })));
    written.push(options.path);
  }
  show(options, output, decoding, trace ? [trace] : [], written, more);
}

async function seeImageByFile(
  path: string,
  about: ModelFile,
  session: OpenedModel,
  name: string,
  options: SeeOptions,
): Promise<void> {
  assertForImages(options);
  const { target } = restoredVocabularies(about.prepared);
  const { image: shape } = about.sizes as CaptioningSizes;
  const [height, width, channels] = shape;
  const grid = about.grids.source;
  if (channels !== 3)
    throw new UsageError(
      `${path} reads what an encoder made of images, ${shape.join(" × ")}; give the run it was exported from.`,
    );
  const pixels = await readImageFile(name, [height, width]);
  const decoded = decodedOf(await session.run({ source: pixelsValue([pixels]) }));
  await session.release();
  const words = target.decode(decoded.tokens);
  const trace =
    decoded.weights && grid
      ? spatialTrace(pixels, [...target.spell(decoded.tokens), END_MARK], decoded.weights, grid)
      : undefined;
  const seen = { output: detokenise(words), decoding: FILE_DECODING, ...(trace && { trace }) };
  await drawImage(name, about.model, seen, options, {});
}

/** What `see` needs of a model, from wherever it comes. */
interface Opened {
  readonly model: string;
  readonly vocabularies: TextVocabularies;
  /** How it writes. */
  readonly decoding: Decoding;
  /** Translations of a sentence, the best first. */
  translate(words: readonly string[]): Promise<Decoded[]>;
  /** The gates of the layers that read the sentence. @throws UsageError where they cannot be read */
  gates(words: readonly string[]): Promise<GatesTrace>;
  release(): Promise<void>;
}

async function openTranslator(path: string, options: SeeOptions): Promise<Opened> {
  const { folder, model, backend, parameters, evaluator } = await openRun(path, options);
  const vocabularies = folder.prepared as TextVocabularies;
  return {
    model: folder.settings.model,
    vocabularies,
    decoding: { beam: options.beam },
    async translate(words) {
      const [found] = await evaluator.write(parameters, [{ source: words, target: [] }], {
        beam: options.beam,
      });
      return found!;
    },
    gates: (words) => readGates(model, backend, parameters, vocabularies.source, words),
    release: () => evaluator.release(),
  };
}

/** A file that `regard export` wrote decodes greedily by itself. */
const FILE_DECODING: Decoding = { beam: 1 };

/** A file that `regard export` wrote. */
async function openFile(path: string): Promise<{ about: ModelFile; session: OpenedModel }> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(
      `cannot read "${path}": ${error.code === "ENOENT" ? "there is no such file" : error.message}.`,
    );
  });
  return { about: decodeModelFile(bytes, path), session: await openOnnx(bytes) };
}

function fileTranslator(path: string, { model, ...about }: ModelFile, session: OpenedModel): Opened {
  const vocabularies = textVocabularies(restoredVocabularies(about.prepared));
  return {
    model,
    vocabularies,
    decoding: FILE_DECODING,
    async translate(words) {
      const encoded = vocabularies.source.encode(words);
      const results = await session.run({
        source: { dtype: "int32", shape: [encoded.length, 1], data: Int32Array.from(encoded) },
      });
      return [decodedOf(results)];
    },
    async gates() {
      throw new UsageError(
        `${path} holds no gates; give the run it was exported from, or leave out --gates.`,
      );
    },
    release: () => session.release(),
  };
}
