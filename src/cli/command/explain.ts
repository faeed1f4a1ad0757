import { decodeTrace, type NestedLook, nestedTrace, type Trace } from "../../attention/index.js";
import { RegardError, UsageError } from "../../core/index.js";
import { isEmbedded } from "../../data/index.js";
import { decodingText } from "../../decode/index.js";
import { EFFECT, SALIENCE } from "../../explain/index.js";
import { ABLATION_LOOK, EFFECT_LOOK, type Explanation, SALIENCE_LOOK } from "../../service/index.js";
import { openSubject } from "../../service/runs.node.js";
import type { Field } from "../../task/index.js";
import { legible, picturesOf } from "../../views/index.js";
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
import { type FileOptions, fileFieldsOf, openForeign, withFileOptions } from "../open-file.js";
import { askedOf, inputTitle } from "../open-subject.js";
import { textOf, writePictures } from "../pictures.js";

interface ExplainOptions extends CommonOptions, FileOptions {
  readonly output?: string;
  readonly method?: string;
  readonly svg?: string;
  readonly png?: string;
  readonly html?: string;
  readonly beam: number;
  readonly device: string;
}

const METHODS = ["attention", "salience", "effect", "heads"] as const;
type Method = (typeof METHODS)[number];

/** What each method says. @param without how an effect is measured, in words */
const aboutOf = (decision: string, without: string): Readonly<Record<Method, string>> => ({
  attention: "where it looked",
  salience: `the gradient of each ${decision}'s log-probability by each weight, in ${SALIENCE.unit}`,
  effect: `how much less likely each ${decision} is ${without}, in ${EFFECT.unit}`,
  heads: "what each head is worth",
});

export const explainCommand: CommandDefinition = (program) => {
  withFileOptions(
    withBeam(
      define(
        program,
        "explain <model> <input>",
        "say what made a model (a run, or any .onnx file) give what it gave: attention, salience and causal effect side by side",
        [
          'explain runs/first "I love coffee"',
          'explain runs/first "I love coffee" --method effect --svg effect.svg',
          "explain runs/captions photograph.jpg --html why.html",
          'explain theirs.onnx "I love coffee" --tokenizer vocab.txt --output pooled --html why.html',
        ],
      ),
    ),
  )
    .option(
      "--output <name>",
      "files of others: the output that is explained, or one number of it, such as logits:3",
    )
    .option("--method <name>", `${METHODS.join(", ")} (all of them)`)
    .option("--svg <file>", "draw the method named as SVG", fileOf("--svg", "svg"))
    .option("--png <file>", "draw the method named as PNG", fileOf("--png", "png"))
    .option("--html <file>", "write one page with every method asked for", fileOf("--html", "html"))
    .option("--device <name>", "cpu, webgpu or wasm", "cpu")
    .action(explain);
};

function methodsOf({ method, svg, png }: ExplainOptions): readonly Method[] {
  if (method === undefined) {
    if (svg ?? png)
      throw new UsageError("--svg and --png draw one method; name it with --method, or use --html.");
    return METHODS;
  }
  const found = METHODS.find((one) => one === method);
  if (!found) throw new UsageError(`there is no method "${method}"; --method takes ${METHODS.join(", ")}.`);
  return [found];
}

/** What method a look of an explanation is of. */
const methodOf = ({ name, unit }: Pick<NestedLook, "name" | "unit">): Method =>
  unit === undefined
    ? "attention"
    : name === EFFECT_LOOK
      ? "effect"
      : name === ABLATION_LOOK
        ? "heads"
        : "salience";

/** What is explained, and how it is told of. */
interface Explained {
  readonly explanation: Explanation;
  readonly form: readonly Field[];
  readonly model: string;
  readonly about: Readonly<Record<Method, string>>;
  /** What the example is called that was asked about. */
  readonly known?: string;
  /** Why there is no salience, where something stands in its way. */
  readonly noGradient?: string;
}

/** A run. */
async function explainRun(path: string, input: string, options: ExplainOptions): Promise<Explained> {
  const { folder, subject, form, data } = await openSubject(path, {
    backend: await backendFor(options.device),
    warn,
  });
  const { settings } = folder;
  const example = await subject.exampleOf(await askedOf(form, input, options.field), data);
  // Only data that knows what is right has more to say of an input than the input itself: embedded data.
  const known =
    subject.task.truth && isEmbedded(settings.data) ? subject.knownIn(await data(), example) : undefined;
  const explanation = await subject.explain(example, { beam: options.beam }, known);
  await subject.release();
  const { words, without } = subject.task;
  return {
    explanation,
    form,
    model: settings.model,
    about: aboutOf(words.decision, without),
    known: subject.task.title(example),
  };
}

/** A file, whoever wrote it. */
async function explainFile(path: string, input: string, options: ExplainOptions): Promise<Explained> {
  const subject = await openForeign(path, options);
  const { form } = subject;
  const { output } = options;
  const explanation = await subject.explain(await fileFieldsOf(form, input, options), {
    ...(output !== undefined && { output }),
  });
  await subject.release();
  const { without, noGradient } = explanation;
  return {
    explanation,
    form,
    model: path,
    about: aboutOf("output", without),
    ...(noGradient !== undefined && { noGradient }),
  };
}

async function explain(path: string, input: string, options: ExplainOptions): Promise<void> {
  const methods = methodsOf(options);
  const { explanation, form, model, about, known, noGradient } = await (path.endsWith(".onnx")
    ? explainFile
    : explainRun)(path, input, options);
  const { output, pieces, decoding, verdict, agreements, further } = explanation;
  const trace = decodeTrace(explanation.trace);
  const written = decoding ? `(${decodingText(decoding)})` : undefined;
  if (pieces.length === 0) {
    if (options.svg ?? options.png ?? options.html)
      throw new RegardError(`the model wrote nothing for "${input}", so there is nothing to draw.`);
    return print(
      options,
      { output, ...(decoding && { decoding }), ...jsonOf(trace, METHODS), agreements, verdict: null },
      `${written ?? ""}\n\nIt wrote nothing, so there is nothing to explain.`,
    );
  }
  const pictures = picturesOf(trace).map((picture) => ({ picture, method: methodOf(picture.looks[0]) }));
  if (options.method && !pictures.some(({ method }) => method === options.method))
    throw new UsageError(
      options.method === "salience" && noGradient !== undefined
        ? `there is no salience: ${noGradient}`
        : pictures.some(({ method }) => method === "attention")
          ? `${model} has no ${options.method} to explain it by; use --method effect.`
          : `model ${model} has no attention, so it has no ${options.method}; use --method effect.`,
    );
  const drawn = pictures.filter(({ method }) => methods.includes(method));
  const named = inputTitle(form, input, { field: options.field, ...(known !== undefined && { known }) });
  const title = `${named}\n→ ${output}`;
  const said = ({ method, picture }: (typeof drawn)[number]) => further[picture.name] ?? about[method];
  const heading = (one: (typeof drawn)[number]) =>
    one.picture.name in further || (one.method === "salience" && one.picture.name !== SALIENCE_LOOK)
      ? `${legible(one.picture.name)}: ${legible(said(one))}`
      : `${one.method}: ${said(one)}`;
  const [first] = drawn;
  const { svg, png, html } = options;
  const files = [
    ...(await writePictures(
      { ...(svg && { svg }), ...(png && { png }) },
      first ? `${title}\n${said(first)}` : title,
      trace,
      first?.picture,
      [],
    )),
    ...(await writePictures(
      { ...(html && { html }) },
      title,
      trace,
      undefined,
      drawn.map((one) => ({ heading: heading(one), picture: one.picture })),
    )),
  ];
  print(
    options,
    {
      output,
      ...(decoding && { decoding }),
      ...jsonOf(trace, methods),
      agreements,
      verdict: verdict?.verdict ?? null,
      ...(noGradient !== undefined && { noGradient }),
    },
    [
      output,
      ...(written ? [written] : []),
      ...drawn.flatMap((one) => ["", heading(one), "", textOf(trace, one.picture)]),
      ...(verdict ? ["", verdict.sentence] : []),
      ...(noGradient !== undefined && methods.includes("salience") ? ["", `No salience: ${noGradient}`] : []),
      ...(files.length > 0 ? ["", `Written: ${files.join(", ")}`] : []),
    ].join("\n"),
  );
}

/** An explanation for programs: what was decided over what, and the numbers of each method, nested. */
function jsonOf(trace: Trace, methods: readonly Method[]) {
  const looks = nestedTrace(trace);
  const effect = looks.find(({ name }) => name === EFFECT_LOOK);
  const { source, target, words, grid } = effect ?? ({} as Partial<NestedLook>);
  const scores: Record<string, unknown> = {};
  for (const look of looks) {
    const method = methodOf(look);
    if (!methods.includes(method)) continue;
    // Where several looks are of one method, each has its own name.
    scores[method in scores ? look.name : method] = look.weights ?? look.windows;
  }
  return {
    ...(source && { source }),
    ...(target && { target }),
    ...(words && { words }),
    ...(grid && { grid }),
    scores,
  };
}
