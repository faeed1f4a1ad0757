import { UsageError } from "../../core/index.js";
import { datasets } from "../../data/index.js";
import { pairOfText, TrainedModel } from "../../service/index.js";
import { RunFolder, writeAtomically } from "../../train/run-folder.node.js";
import { alignmentText, scoresAsWeights, toHtml, toSvg } from "../../views/index.js";
import { backendFor } from "../backend.js";
import { type CommandDefinition, type CommonOptions, define, print, warn } from "../command.js";
import { toPng } from "../png.js";
import { hasColour } from "../terminal.js";

interface ExplainOptions extends CommonOptions {
  readonly method?: string;
  readonly svg?: string;
  readonly png?: string;
  readonly html?: string;
  readonly device: string;
}

/** What can be asked for, and what each says. */
const METHODS = {
  attention: "where it looked",
  salience: "the gradient that reaches each weight of the attention",
  effect: "how much less likely each word is once a source word and its annotation are masked, in nats",
} as const;
type Method = keyof typeof METHODS;

export const explainCommand: CommandDefinition = (program) => {
  define(
    program,
    "explain <run> <input>",
    "say what made a model write what it wrote: attention, salience and causal effect side by side",
    [
      'explain runs/first "I love coffee"',
      'explain runs/first "I love coffee" --method effect --svg effect.svg',
    ],
  )
    .option("--method <name>", `${Object.keys(METHODS).join(", ")} (all of them)`)
    .option("--svg <file>", "draw the method named as SVG")
    .option("--png <file>", "draw the method named as PNG")
    .option("--html <file>", "write one page with every method asked for")
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

async function explain(path: string, text: string, options: ExplainOptions): Promise<void> {
  const methods = methodsOf(options);
  const folder = await RunFolder.open(path);
  const { settings, vocabularies } = folder;
  const { step, tensors } = await folder.bestCheckpoint(warn);
  const backend = await backendFor(options.device);
  const model = new TrainedModel({ settings, vocabularies, step, tensors, backend });
  // Only data that knows the right alignment has more to say of a sentence than the sentence itself: embedded data.
  const known = await datasets.find(({ id }) => id === settings.data)?.load(settings.seed);
  const explanation = await model.explain(text, known && pairOfText(known, text));
  await model.release();
  const { source, target, output, verdict } = explanation;
  const scores = Object.fromEntries(
    methods.flatMap((method) => (explanation[method] ? [[method, explanation[method]]] : [])),
  ) as Partial<Record<Method, readonly (readonly number[])[]>>;
  for (const method of methods)
    if (!scores[method] && options.method)
      throw new UsageError(
        `model ${settings.model} has no attention, so it has no ${method}; use --method effect.`,
      );
  const drawn = (Object.keys(scores) as Method[]).map((method) => {
    const weights = method === "attention" ? scores[method]! : scoresAsWeights(scores[method]!);
    return { method, trace: { kind: "alignment", source, target, weights } as const };
  });
  const title = `${text}\n→ ${output}`;
  const [first] = drawn;
  const heading = first && `${title}\n${METHODS[first.method]}`;
  if (options.svg) await writeAtomically(options.svg, toSvg(first!.trace, { title: heading! }));
  if (options.png) await writeAtomically(options.png, toPng(toSvg(first!.trace, { title: heading! })));
  if (options.html)
    await writeAtomically(
      options.html,
      toHtml(
        title,
        drawn.map(({ method, trace }) => ({ heading: `${method}: ${METHODS[method]}`, trace })),
      ),
    );
  const written = [options.svg, options.png, options.html].filter((file) => file !== undefined);
  const terminal = { colour: hasColour(process.stdout), width: process.stdout.columns ?? 100 };
  print(
    options,
    { output, source, target, scores, agreements: explanation.agreements, verdict: verdict?.verdict ?? null },
    [
      output,
      ...drawn.flatMap(({ method, trace }) => [
        "",
        `${method}: ${METHODS[method]}`,
        "",
        alignmentText(trace, terminal),
      ]),
      ...(verdict ? ["", verdict.sentence] : []),
      ...(written.length > 0 ? ["", `Written: ${written.join(", ")}`] : []),
    ].join("\n"),
  );
}
