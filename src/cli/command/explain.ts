import { basename } from "node:path";
import type { AttentionTrace } from "../../attention/index.js";
import { RegardError, UsageError } from "../../core/index.js";
import { datasets } from "../../data/index.js";
import { type Decoding, decodingText } from "../../decode/index.js";
import { EFFECT, SALIENCE } from "../../explain/index.js";
import { modelById } from "../../models/index.js";
import { pairOfText, TrainedTranslator } from "../../service/index.js";
import { RunFolder } from "../../train/run-folder.node.js";
import { backendFor } from "../backend.js";
import {
  type CommandDefinition,
  type CommonOptions,
  define,
  fileOf,
  print,
  warn,
  withBeam,
} from "../command.js";
import { openCaptioner } from "../open-captioner.js";
import { textOf, writePictures } from "../pictures.js";

interface ExplainOptions extends CommonOptions {
  readonly method?: string;
  readonly svg?: string;
  readonly png?: string;
  readonly html?: string;
  readonly beam: number;
  readonly device: string;
}

/** What can be asked for, and what each says. */
const METHODS = {
  attention: "where it looked",
  salience: `the gradient of each word's log-probability by each weight, in ${SALIENCE.unit}`,
  effect: `how much less likely each word is once a source word and its annotation are masked, in ${EFFECT.unit}`,
} as const;
type Method = keyof typeof METHODS;

/** The same of images. */
const IMAGE_METHODS: Readonly<Record<Method, string>> = {
  attention: METHODS.attention,
  salience: METHODS.salience,
  effect: `how much less likely each word is once a place of the image is covered with its mean, in ${EFFECT.unit}`,
};

export const explainCommand: CommandDefinition = (program) => {
  withBeam(
    define(
      program,
      "explain <run> <input>",
      "say what made a model write what it wrote: attention, salience and causal effect side by side",
      [
        'explain runs/first "I love coffee"',
        'explain runs/first "I love coffee" --method effect --svg effect.svg',
        "explain runs/captions photograph.jpg --html why.html",
      ],
    ),
  )
    .option("--method <name>", `${Object.keys(METHODS).join(", ")} (all of them)`)
    .option("--svg <file>", "draw the method named as SVG", fileOf("--svg", "svg"))
    .option("--png <file>", "draw the method named as PNG", fileOf("--png", "png"))
    .option("--html <file>", "write one page with every method asked for", fileOf("--html", "html"))
    .option("--device <name>", "cpu, webgpu or wasm", "cpu")
    .action(explain);
};

function methodsOf({ method, svg, png }: ExplainOptions): Method[] {
  if (method === undefined) {
    if (svg ?? png)
      throw new UsageError("--svg and --png draw one method; name it with --method, or use --html.");
    return Object.keys(METHODS) as Method[];
  }
  if (!Object.hasOwn(METHODS, method))
    throw new UsageError(
      `there is no method "${method}"; --method takes ${Object.keys(METHODS).join(", ")}.`,
    );
  return [method as Method];
}

async function explain(path: string, input: string, options: ExplainOptions): Promise<void> {
  const methods = methodsOf(options);
  const folder = await RunFolder.open(path);
  const isImage = modelById(folder.settings.model).task === "captioning";
  const found = isImage
    ? await explainImage(folder, input, options)
    : await explainText(folder, input, options, methods);
  const { output, words, decoding, sections, verdict, json } = found;
  if (words.length === 0) {
    if (options.svg ?? options.png ?? options.html)
      throw new RegardError(`the model wrote nothing for "${input}", so there is nothing to draw.`);
    return print(
      options,
      { output, decoding, ...json, verdict: null },
      `(${decodingText(decoding)})\n\nIt wrote nothing, so there is nothing to explain.`,
    );
  }
  if (options.method && !sections.some(({ method }) => method === options.method))
    throw new UsageError(
      `model ${folder.settings.model} has no attention, so it has no ${options.method}; use --method effect.`,
    );
  const drawn = sections.filter(({ method }) => methods.includes(method));
  const title = `${isImage ? basename(input) : input}\n→ ${output}`;
  const about = isImage ? IMAGE_METHODS : METHODS;
  const [first] = drawn;
  const pages = drawn.map(({ method, trace }) => ({ heading: `${method}: ${about[method]}`, trace }));
  const written = [
    ...(await writePictures(
      { ...(options.svg && { svg: options.svg }), ...(options.png && { png: options.png }) },
      first ? `${title}\n${about[first.method]}` : title,
      first?.trace,
      [],
    )),
    ...(await writePictures({ ...(options.html && { html: options.html }) }, title, undefined, pages)),
  ];
  print(
    options,
    { output, decoding, ...json, verdict: verdict?.verdict ?? null },
    [
      output,
      `(${decodingText(decoding)})`,
      ...drawn.flatMap(({ method, trace }) => ["", `${method}: ${about[method]}`, "", textOf(trace)]),
      ...(verdict ? ["", verdict.sentence] : []),
      ...(written.length > 0 ? ["", `Written: ${written.join(", ")}`] : []),
    ].join("\n"),
  );
}

interface Explained {
  readonly output: string;
  /** What was written, piece by piece. */
  readonly words: readonly string[];
  readonly decoding: Decoding;
  readonly sections: readonly { readonly method: Method; readonly trace: AttentionTrace }[];
  readonly verdict?: { readonly verdict: string; readonly sentence: string } | undefined;
  /** What `--json` tells besides. */
  readonly json: Readonly<Record<string, unknown>>;
}

async function explainText(
  folder: RunFolder,
  text: string,
  options: ExplainOptions,
  methods: readonly Method[],
): Promise<Explained> {
  const { settings, prepared } = folder;
  const { step, tensors } = await folder.bestCheckpoint(warn);
  const backend = await backendFor(options.device);
  const model = new TrainedTranslator({ settings, prepared, step, tensors, backend });
  // Only data that knows the right alignment has more to say of a sentence than the sentence itself: embedded data.
  const embedded = datasets.find(({ id }) => id === settings.data);
  const known = embedded?.kind === "pairs" ? await embedded.load(settings.seed) : undefined;
  const explanation = await model.explain({ text, beam: options.beam }, known && pairOfText(known, text));
  await model.release();
  const { source, target, output, decoding, verdict, agreements } = explanation;
  const scores = Object.fromEntries(
    methods.flatMap((method) => (explanation[method] ? [[method, explanation[method]]] : [])),
  ) as Partial<Record<Method, readonly (readonly number[])[]>>;
  return {
    output,
    words: target,
    decoding,
    verdict,
    json: { source, target, scores, agreements },
    sections: (Object.keys(scores) as Method[]).map((method) => ({
      method,
      trace: {
        kind: "alignment",
        source,
        target,
        weights: scores[method]!,
        ...(method !== "attention" && { scores: method === "effect" ? EFFECT : SALIENCE }),
      },
    })),
  };
}

async function explainImage(folder: RunFolder, name: string, options: ExplainOptions): Promise<Explained> {
  const { captioner, imageOf } = await openCaptioner(folder, options.device);
  const { output, decoding, words, maps, agreements, verdict } = await captioner.explain(
    await imageOf(name),
    { beam: options.beam },
  );
  await captioner.release();
  return {
    output,
    words,
    decoding,
    verdict,
    json: {
      words,
      grid: maps[0]!.trace.grid,
      scores: Object.fromEntries(maps.map(({ method, trace }) => [method, trace.weights])),
      agreements,
    },
    sections: maps,
  };
}
