import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "../../core/index.js";
import { CLASSES_OUTPUT } from "../../foreign/index.js";
import { writeAtomically } from "../../train/run-folder.node.js";
import {
  BATCH,
  type Budget,
  type LabelledText,
  LONGEST,
  labelledTexts,
  parted,
  tune,
} from "../../tune/index.js";
import { backendFor } from "../backend.js";
import {
  type CommandDefinition,
  type CommonOptions,
  define,
  fileOf,
  number,
  print,
  warn,
  whole,
} from "../command.js";
import { Interrupted, interruptSignal } from "../interrupt.js";
import { openGraphFile, tokenizerFor } from "../open-file.js";
import { duration, status } from "../terminal.js";

interface TuneCommandOptions extends CommonOptions {
  readonly data?: string;
  readonly out?: string;
  readonly tokenizer?: string;
  readonly output?: string;
  readonly freeze?: boolean;
  readonly minutes?: number;
  readonly steps?: number;
  readonly epochs?: number;
  readonly batch?: number;
  readonly learningRate?: number;
  readonly longest?: number;
  readonly seed?: number;
  readonly device: string;
  readonly threads?: number;
}

const DEFAULT_EPOCHS = 3;

export const tuneCommand: CommandDefinition = (program) => {
  define(
    program,
    "tune <file>",
    "fine-tune any .onnx file that reads text to tell classes apart; what comes out is a file again",
    [
      "tune theirs.onnx --data reviews.tsv --tokenizer vocab.txt --out reviews.onnx",
      "tune theirs.onnx --data reviews/ --output pooled --freeze --epochs 10 --out reviews.onnx",
      'explain reviews.onnx "I love coffee" --tokenizer vocab.txt --output regard.classes:1',
    ],
  )
    .option(
      "--data <path>",
      "a table of label TAB text (or label TAB text TAB text), or a folder with train.tsv, validation.tsv and test.tsv",
    )
    .option("--out <file>", "the file to write", fileOf("--out", "onnx"))
    .option(
      "--tokenizer <file>",
      "the tokenizer.json or vocab.txt that cuts texts into tokens (one beside the file)",
    )
    .option("--output <name>", "the output that classes are told apart by (the one with the fewest axes)")
    .option("--freeze", "leave the file's own weights as they are: the layer of classes alone learns")
    .option("--epochs <n>", `passes over the texts (${DEFAULT_EPOCHS})`, number)
    .option("--steps <n>", "or steps", whole("--steps"))
    .option("--minutes <n>", "or minutes", number)
    .option("--batch <n>", `texts a step (${BATCH})`, whole("--batch"))
    .option("--learning-rate <x>", "the largest learning rate (0.00005; 0.001 with --freeze)", number)
    .option("--longest <n>", `tokens of a text at most; the rest is cut off (${LONGEST})`, whole("--longest"))
    .option("--seed <n>", "what fixes the order of texts and the first values (1)", whole("--seed"))
    .option("--device <name>", "cpu or wasm", "cpu")
    .option("--threads <n>", "threads to compute with (as many as the machine has cores)", number)
    .action(tuneFile);
};

/** How far it goes. @throws UsageError for more than one limit, or none above 0 */
function budgetOf({ steps, epochs, minutes }: TuneCommandOptions): Budget {
  const given = Object.entries({ steps, epochs, minutes }).filter(([, value]) => value !== undefined);
  if (given.length > 1)
    throw new UsageError(
      `--${given.map(([name]) => name).join(" and --")} are both given; give one of them.`,
    );
  const [name, value] = given[0] ?? ["epochs", DEFAULT_EPOCHS];
  if (!(value! > 0 && Number.isFinite(value)))
    throw new UsageError(`--${name} is ${value} but must be a number above 0.`);
  return { [name]: value } as unknown as Budget;
}

const readTable = async (path: string): Promise<LabelledText[]> =>
  labelledTexts((await readFile(path, "utf8")).replace(/^\uFEFF/, ""), path);

/** Texts for training, validation and test. @throws UsageError where there are none */
async function textsOf(path: string): Promise<ReturnType<typeof parted>> {
  const found = await stat(path).catch(() => undefined);
  if (!found) throw new UsageError(`there is no file or folder "${path}" with texts; give --data a table.`);
  if (!found.isDirectory()) return parted(await readTable(path));
  const part = async (split: string): Promise<LabelledText[]> => {
    const file = join(path, `${split}.tsv`);
    return (await stat(file).catch(() => undefined)) ? readTable(file) : [];
  };
  const train = await part("train");
  if (train.length === 0)
    throw new UsageError(`the folder "${path}" has no train.tsv; put a table of label TAB text there.`);
  return { train, validation: await part("validation"), test: await part("test") };
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

async function tuneFile(path: string, options: TuneCommandOptions): Promise<void> {
  const { data, out } = options;
  if (data === undefined || out === undefined)
    throw new UsageError(
      `name texts and the file to write, as in: regard tune ${path} --data reviews.tsv --out tuned.onnx`,
    );
  const budget = budgetOf(options);
  const { learningRate } = options;
  if (learningRate !== undefined && !(learningRate > 0))
    throw new UsageError(`--learning-rate is ${learningRate} but must be above 0.`);
  const { train, validation, test } = await textsOf(data);
  const graph = await openGraphFile(path);
  const tokenizer = await tokenizerFor(path, options.tokenizer);
  if (!tokenizer)
    throw new UsageError(
      `${path} reads tokens; give the tokenizer.json or vocab.txt that makes them of texts, with --tokenizer.`,
    );
  const interrupt = interruptSignal(() => status("Stopping after this step and saving …"));
  const started = performance.now();
  try {
    const tuned = await tune(graph, train, validation, {
      ...{ tokenizer, budget, learningRate, signal: interrupt.signal },
      backend: await backendFor(options.device, options.threads),
      output: options.output,
      freeze: options.freeze,
      batch: options.batch,
      seed: options.seed,
      longest: options.longest,
      onStep({ step, loss, progress }) {
        const seconds = (performance.now() - started) / 1000;
        status(`step ${step}  loss ${loss.toFixed(3)}  ${duration(seconds * (1 / progress - 1))} left`);
      },
      onValidation({ step, accuracy, best }) {
        status();
        warn(
          `step ${step}  ${percent(accuracy)} of ${validation.length} validation texts right${best ? "  (best)" : ""}`,
        );
      },
    });
    const tested = test.length > 0 && !interrupt.signal.aborted ? await tuned.accuracy(test) : undefined;
    status();
    await writeAtomically(out, tuned.bytes);
    await tuned.release();
    const { labels, steps, best, trained, cut } = tuned;
    if (cut > 0) warn(`Texts were cut ${cut} times to --longest ${options.longest ?? LONGEST} tokens.`);
    print(
      options,
      {
        ...{ file: out, labels, steps, trained, seconds: (performance.now() - started) / 1000 },
        ...(best && { validation: best }),
        ...(tested !== undefined && { test: { texts: test.length, accuracy: tested } }),
      },
      [
        `${out}: ${trained.toLocaleString("en")} weights learnt in ${steps} steps to tell ${labels.join(", ")} apart; its output "${CLASSES_OUTPUT}" has the share of each.`,
        ...(best
          ? [`Validation: ${percent(best.accuracy)} right at step ${best.step}, whose weights these are.`]
          : []),
        ...(tested === undefined ? [] : [`Test: ${percent(tested)} of ${test.length} right.`]),
        `See it with: regard explain ${out} "a text" --output ${CLASSES_OUTPUT}:0`,
      ].join("\n"),
    );
    if (interrupt.signal.aborted) throw new Interrupted("stopped");
  } finally {
    interrupt.stop();
  }
}
