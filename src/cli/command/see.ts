import { type Command, Option } from "commander";
import { nestedTrace, type Trace } from "../../attention/index.js";
import { UsageError } from "../../core/index.js";
import { decodingText, TEMPERATURES } from "../../decode/index.js";
import { type Answer, ForeignSubject } from "../../service/index.js";
import { openSubject } from "../../service/runs.node.js";
import type { Field } from "../../task/index.js";
import {
  distinctAsText,
  drawable,
  drawableAll,
  type MapStyle,
  mainPicture,
  type Picture,
  picturesOf,
  type ViewName,
  viewNames,
} from "../../views/index.js";
import { backendFor } from "../backend.js";
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
import {
  type FileOptions,
  fileFieldsOf,
  fileRequestOf,
  headOf,
  openFile,
  withFileOptions,
} from "../open-file.js";
import { askedOf, asksForText, inputTitle, wholeFieldsOf } from "../open-subject.js";
import { lookedOf, textOf, writePictures } from "../pictures.js";

export interface SeeOptions extends CommonOptions, FileOptions {
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
  readonly temperature?: number;
  readonly view?: ViewName;
  readonly step?: number;
  readonly head?: { readonly look: string; readonly head: number };
}

/** Words that are named as unknown; the others are counted. */
const NAMED = 10;

export const seeCommand: CommandDefinition = (program) => {
  withSeeOptions(
    define(
      program,
      "see <model> <input>",
      "run one input through a model (a run, or an .onnx file) and draw what it attended to",
      [
        'see runs/first "I love coffee"',
        'see translator.onnx "I love coffee"',
        'see runs/first "does Ana read the new book?" --svg book.svg --png book.png --html book.html',
        "see runs/captions photograph.jpg --png looked.png --animation looked.svg",
        'see runs/questions photograph.jpg --field "question=what is on the table?"',
        "see runs/captions test:17 --svg looked.svg --map grid",
        "see runs/captions test:17 --png mechanics.png --view mechanics --step 3",
        'see theirs.onnx "I love coffee" --tokenizer vocab.txt --png heads.png',
      ],
    ),
  ).action(see);
};

/** Adds how one input is run and drawn. */
export const withSeeOptions = (command: Command): Command =>
  withFileOptions(withBeam(command))
    .option("--svg <file>", "write the picture as SVG", fileOf("--svg", "svg"))
    .option("--png <file>", "write the picture as PNG", fileOf("--png", "png"))
    .option(
      "--html <file>",
      "write one page with every picture that needs nothing else",
      fileOf("--html", "html"),
    )
    .option("--keep-unknown", "do not replace unknown words by the source words they looked at")
    .option("--gates", "read the gates of the recurrent layers too, and draw them in --svg and --png")
    .option(
      "--animation <file>",
      "images: write what was looked at, one step after the other, as a moving SVG",
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
    .addOption(
      new Option("--view <name>", "how the picture is drawn, of the ways that there are for it").choices(
        viewNames,
      ),
    )
    .option("--step <number>", "the step that the picture brings out, from 1", number)
    .option("--head <look:number>", "the head to show large, such as layer.0:3", (text) =>
      headOf("--head", text),
    )
    .option("--sample <seed>", "draw by chance what the model can draw, in place of the likeliest", number)
    .option(
      "--temperature <x>",
      "draw words too: by their probabilities at 1, nearer to the likeliest below, further from it above",
      number,
    )
    .option("--device <name>", "cpu, webgpu or wasm", "cpu");

/** Runs one input, draws what was asked for and prints what there is to say. */
export async function see(
  path: string,
  input: string,
  { map, ...given }: SeeOptions & { readonly map?: MapStyle },
): Promise<void> {
  const { head } = given;
  // A head is large as a matrix.
  const options: SeeOptions = {
    ...given,
    ...(map && { style: map }),
    ...(head && !given.view && { view: "matrix" }),
  };
  const {
    answer,
    model,
    form,
    told = [],
    known,
  } = path.endsWith(".onnx") ? await askFile(path, input, options) : await askRun(path, input, options);
  if (answer.unknown.length > 0) {
    const named = drawableAll(answer.unknown.slice(0, NAMED)).map((word) => `"${word}"`);
    const others = answer.unknown.length - named.length;
    warn(
      `The model does not know ${named.join(", ")}${others > 0 ? `, and ${others} more` : ""}; it was trained on other words.`,
    );
  }
  const title = inputTitle(form, input, { field: options.field, ...(known !== undefined && { known }) });
  const trace = lookedOf(answer);
  const pictures = picturesOf(trace);
  const drawn = options.gates
    ? pictures.find(({ title }) => title === "gates")
    : head
      ? pictures.find(({ looks }) => looks.some(({ name }) => name === head.look))
      : mainPicture(pictures);
  assertHead(head, trace);
  const drawing = { ...options, open: head };
  if (!drawn && (options.svg ?? options.png ?? options.html ?? options.animation ?? options.path))
    throw new UsageError(
      `model ${model} has no attention to draw; regard explain shows what its ${asksForText(form) ? "words depend on, and --gates draws its gates" : "words depend on"}.`,
    );
  assertView(options, drawn, pictures);
  const written = await writePictures(
    drawing,
    `${title}\n→ ${answer.output}`,
    trace,
    drawn,
    pictures.map((picture) => ({ heading: picture.heading, picture })),
  );
  const { output, decoding, hypotheses, references, right, blocks } = answer;
  print(
    options,
    {
      output,
      ...(decoding && { decoding }),
      traces: nestedTrace(trace),
      ...(decoding && { hypotheses }),
      ...(references.length > 0 && { references }),
      ...(right !== undefined && { correct: right }),
      ...(blocks.length > 0 && { blocks }),
    },
    [
      // A question stands above its answer, where more was asked for than the input.
      ...((known ?? options.field) && form.length > 1 && form.some(({ kind }) => kind === "text")
        ? [title]
        : []),
      output,
      ...(decoding ? [`(${decodingText(decoding)})`] : []),
      ...blockLines(told),
      ...distinctAsText(pictures).flatMap((picture, index) => [
        "",
        // What follows the first is told apart by its heading; gates name themselves.
        ...(index > 0 && picture.title !== "gates" ? [`${picture.heading}:`] : []),
        textOf(trace, picture, drawing),
      ]),
      ...(written.length > 0 ? ["", `Written: ${written.join(", ")}`] : []),
    ].join("\n"),
  );
}

/** What blocks of text and of classes say, a line each. */
const blockLines = (blocks: Answer["blocks"]): string[] =>
  blocks.flatMap((block) => {
    if (block.kind === "text") return [`${drawable(block.title)}: ${drawable(block.text, LONGEST_BLOCK)}`];
    if (block.kind !== "classes") return [];
    const items = block.items.map(
      ({ label, probability }) => `${drawable(label)} ${(100 * probability).toFixed(1)} %`,
    );
    return [`${drawable(block.title)}: ${items.join(", ")}`];
  });
const LONGEST_BLOCK = 200;

/** @throws UsageError where there is no such head */
function assertHead(head: SeeOptions["head"], { looks }: Trace): void {
  if (!head) return;
  const look = looks.find(({ name }) => name === head.look);
  if (!look || head.head >= look.shape[1])
    throw new UsageError(
      `there is no head ${head.look}:${head.head + 1}; there are ${looks.map(({ name, shape }) => `${drawable(name)}:1 to ${shape[1]}`).join(", ") || "none"}.`,
    );
}

/** @throws UsageError where the picture cannot be drawn as asked for */
function assertView(
  { view, step, svg, png }: SeeOptions,
  drawn: Picture | undefined,
  pictures: readonly Picture[],
): void {
  const one = svg ?? png;
  const able = one === undefined ? pictures : drawn ? [drawn] : [];
  if (view && !able.some(({ views }) => views.includes(view)))
    throw new UsageError(
      `--view is ${view}, but ${one === undefined ? "what there is to see here" : `"${drawn?.name}"`} can be drawn as ${[...new Set(able.flatMap(({ views }) => views))].join(", ") || "nothing"}.`,
    );
  const rows = Math.max(0, ...able.map(({ looks: [look] }) => look.shape[0]));
  if (step !== undefined && !(Number.isInteger(step) && step >= 1 && step <= rows))
    throw new UsageError(`--step is ${step} but the picture has the steps 1 to ${rows}.`);
}

interface Asked {
  readonly answer: Answer;
  readonly model: string;
  readonly form: readonly Field[];
  /** Blocks that text tells of beside the output. */
  readonly told?: Answer["blocks"];
  /** What the example is called that was asked about. */
  readonly known?: string;
}

/** @throws UsageError for options that what the model reads has no use for */
function assertOptions(
  form: readonly Field[],
  { gates, keepUnknown, animation, path, style, sample, temperature }: SeeOptions,
): void {
  const [lowest, highest] = TEMPERATURES;
  if (temperature !== undefined && !(temperature >= lowest && temperature <= highest))
    throw new UsageError(`--temperature is ${temperature} but must be from ${lowest} to ${highest}.`);
  if (!asksForText(form)) {
    if (gates ?? keepUnknown)
      throw new UsageError("--gates and --keep-unknown are for models that read text; leave them out.");
  } else if (animation ?? path ?? style)
    throw new UsageError("--animation, --path and --map are for models that read images; leave them out.");
  else if (sample !== undefined && temperature === undefined)
    throw new UsageError(
      `--sample is ${sample}, but the likeliest word is taken at each step; add --temperature 1 to draw words.`,
    );
  if (!Number.isSafeInteger(sample ?? 0) || (sample ?? 0) < 0)
    throw new UsageError(`--sample is ${sample} but must be a whole number from 0.`);
}

async function askRun(path: string, input: string, options: SeeOptions): Promise<Asked> {
  const { folder, subject, form, data } = await openSubject(path, {
    backend: await backendFor(options.device),
    warn,
  });
  const { beam, sample, temperature, gates, keepUnknown } = options;
  assertOptions(form, options);
  const example = await subject.exampleOf(await askedOf(form, input, options.field), data);
  const answer = await subject.ask(example, {
    beam,
    reading: gates ?? false,
    ...(keepUnknown && { keepUnknown }),
    ...(sample !== undefined && { sample }),
    ...(temperature !== undefined && { temperature }),
  });
  await subject.release();
  return { answer, model: folder.settings.model, form, known: subject.task.title(example) };
}

/** A file runs by itself; one that `regard export` wrote greedily, and with nothing drawn by chance. */
async function askFile(path: string, input: string, options: SeeOptions): Promise<Asked> {
  const subject = await openFile(path, options);
  const { form } = subject;
  assertOptions(form, options);
  if (options.temperature !== undefined)
    throw new UsageError(
      `${path} writes the likeliest words; give the run it was exported from, or leave out --temperature.`,
    );
  if (options.gates)
    throw new UsageError(`${path} holds no gates; give the run it was exported from, or leave out --gates.`);
  const { keepUnknown } = options;
  const foreign = subject instanceof ForeignSubject;
  const answer = foreign
    ? await subject.ask(await fileFieldsOf(form, input, options), fileRequestOf(options))
    : await subject.ask(await wholeFieldsOf(form, input, options.field), {
        ...(keepUnknown && { keepUnknown }),
      });
  await subject.release();
  return { answer, form, model: foreign ? path : subject.model, ...(foreign && { told: answer.blocks }) };
}
