import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import { RegardError, UsageError } from "../../core/index.js";
import { formats } from "../../data/formats.node.js";
import {
  AUGMENTATIONS,
  type Augmentation,
  changeOf,
  fingerprintOf,
  flagOf,
  isEmbedded,
  type Reading,
  type ReadingOption,
  readingOptions,
} from "../../data/index.js";
import { assertReads, imageSizeOf, locateData } from "../../data/open.node.js";
import { modelById, type OptimizerChoice } from "../../models/index.js";
import { openLearnt, openVectors, VERSION } from "../../service/runs.node.js";
import { openOnnx } from "../../session/node.js";
import {
  type AnyTask,
  type FrozenEncoder,
  type ImageOptions,
  openEncoder,
  scoresOf,
  shownScore,
  taskOf,
  taskOfModel,
  trainingDefaults,
} from "../../task/index.js";
import { BlocksOnDisk } from "../../train/blocks.node.js";
import {
  checked,
  ENCODER_FILE,
  type Group,
  isOver,
  optimizerSchema,
  type RunSettings,
  settingsSchema,
  Trainer,
  type TrainerSurroundings,
  train,
  trainRun,
  unknownName,
} from "../../train/index.js";
import { openRunData, openRunEncoder, runEncoder } from "../../train/run-data.node.js";
import { RunFolder } from "../../train/run-folder.node.js";
import { backendFor } from "../backend.js";
import {
  type CommandDefinition,
  type CommonOptions,
  define,
  number,
  print,
  warn,
  whole,
} from "../command.js";
import { Interrupted, interruptSignal } from "../interrupt.js";
import { duration, ProgressBar, status } from "../terminal.js";
import { ready, threadsHere, together, told } from "../together.js";

interface TrainOptions extends CommonOptions, Partial<Reading> {
  readonly data?: string;
  readonly imageSize?: string;
  readonly augment?: string;
  readonly encoder?: string;
  readonly encoderLayer?: string;
  readonly minutes?: number;
  readonly steps?: number;
  readonly epochs?: number;
  readonly seed: number;
  readonly out?: string;
  readonly resume?: string;
  readonly settings?: string;
  readonly device: string;
  readonly threads?: number;
  readonly memory?: number;
  readonly batch?: number;
  readonly targets?: number;
  readonly learningRate?: number;
  readonly optimizer?: string;
  readonly weightDecay?: number;
  readonly schedule: string;
  readonly warmup: number;
  readonly clip?: number;
  readonly labelSmoothing?: number;
  readonly softmax?: string;
  readonly candidates?: number;
  readonly patience?: number;
  readonly validateEvery: number;
  readonly from?: string;
  readonly to?: string;
  readonly skipBad?: boolean;
  readonly maxLength?: number;
  readonly vocabulary: string;
  readonly vocabularySize?: number;
  readonly minCount: number;
  readonly vectors?: string;
  readonly begin?: string;
  readonly set: readonly string[];
}

/** Words or pieces a side where nothing else is asked for. */
const VOCABULARY_SIZES: Readonly<Record<string, number>> = { word: 30_000, "byte-pair": 8000 };

/** Words that a step scores where not all are scored and nothing else is asked for. */
const DEFAULT_CANDIDATES = 3000;

/** Minutes of training where nothing else is asked for. */
const DEFAULT_MINUTES = 2;

export const trainCommand: CommandDefinition = (program: Command) => {
  const command = define(program, "train [model]", "train a model; Ctrl-C saves it", [
    "train rnnsearch --minutes 2",
    "train rnnsearch --data bilingual-es-en --steps 3000 --seed 7 --out runs/spanish",
    "train rnnsearch --set hidden=256 --set attention=general --learning-rate 0.002",
    "train rnnsearch --data pairs.tsv --minutes 20 --out runs/mine",
    "train rnnsearch --data multi30k --min-count 2",
    "train rnnsearch --data multi30k --from fr --to en --vocabulary byte-pair",
    "train show-attend-tell --minutes 20",
    "train show-attend-tell --set attention=hard --data photographs/ --image-size 128 --min-count 5",
    "train ram --data digits-cluttered --minutes 20",
    "train ram --data mnist/ --canvas 60 --set side=12 --set scales=3 --epochs 100",
    "train skip-gram --data books/ --epochs 5 --min-count 5",
    "train rnnsearch --vectors runs/words --set embedding=100",
    "train bert-pairs --begin runs/masked --out runs/tuned",
    "train --resume runs/spanish",
    "train --settings runs/spanish/run.json --seed 8 --out runs/again",
  ])
    .optionsGroup("Data:")
    .option(
      "--data <data>",
      "an embedded or fetched dataset; a table of pairs (.tsv, .tsv.gz) or a folder of parallel files; for captions a CSV, a COCO captions JSON or a folder with either (bilingual; scenes for captions)",
    )
    .optionsGroup("Images:")
    .option(
      "--image-size <n>",
      "captions: pixels that images are brought to, as 128 or 96x128, height first (128)",
    )
    .option(
      "--augment <changes>",
      "captions: change the images of training by chance: crop, shade, flip (left to right), with commas between",
    )
    .option("--encoder <file>", "captions: an ONNX network that images go through first; it is not trained")
    .option("--encoder-layer <name>", "the value of that network that is read (its last that is a grid)")
    .optionsGroup("How files are read:")
    .option("--from <ending>", "of a folder: the ending of the source files, such as de")
    .option("--to <ending>", "of a folder: the ending of the target files, such as en");
  for (const [name, schema] of Object.entries(readingOptions)) addReading(command, name, schema);
  command
    .option("--skip-bad", "leave out lines that cannot be used, and count them")
    .optionsGroup("Words:")
    .option(
      "--vocabulary <kind>",
      "word, or byte-pair: pieces of words, so that no word of known letters is unknown",
      "word",
    )
    .option(
      "--vocabulary-size <n>",
      "words or pieces a side that are kept, the most frequent (30000; 8000 for byte-pair)",
      number,
    )
    .option("--max-length <n>", "words a sentence may have; longer ones are left out (250)", number)
    .option("--min-count <n>", "how often a word, or a pair to be merged, must occur", number, 1)
    .option(
      "--vectors <file>",
      "vectors that words begin with: a file (word2vec, GloVe, .npy, .safetensors) or a run",
    )
    .option(
      "--begin <run>",
      "a run of any task that this one begins with: parameters of the same names have its values",
    )
    .optionsGroup("How long:")
    .option("--minutes <n>", `train for this long (${DEFAULT_MINUTES} where no other limit is given)`, number)
    .option("--steps <n>", "train for this many steps", number)
    .option("--epochs <n>", "train for this many passes over the data", number)
    .optionsGroup("The run:")
    .option("--seed <n>", "fixes the run: first values, order of batches, noise", number, 1)
    .option("--out <folder>", "where the run goes (a new folder in runs/)")
    .option(
      "--settings <file>",
      "take the model and every option from a file: the settings of a run.json, or a run.json; - reads standard input",
    )
    .option("--resume <folder>", "go on with a run that was stopped; a new limit may be given")
    .optionsGroup("The machine:")
    .option("--device <name>", "cpu, webgpu or wasm", "cpu")
    .option("--threads <n>", "threads to compute with (as many as the machine has cores)", number)
    .option(
      "--memory <MiB>",
      "what a table that is counted in a text may take before the rest of it goes to disk (half of what is free)",
      whole("--memory"),
    )
    .optionsGroup("Training:")
    .option("--batch <n>", "examples a step (64; 16 for captions)", number)
    .option(
      "--targets <n>",
      "captions of each image that a step trains on; the image is read once for all (4)",
      number,
    )
    .option(
      "--learning-rate <n>",
      "the largest learning rate (the model's own: 0.005, 0.002 or 0.001)",
      number,
    )
    .option(
      "--optimizer <name>",
      "adam, adamw, sgd, adadelta, rmsprop or adagrad (the model's own: adam or adamw)",
    )
    .option(
      "--weight-decay <n>",
      "of adamw: share of each weight, times the learning rate, that a step takes off (the model's own)",
      number,
    )
    .option("--schedule <name>", "constant, linear, cosine or inverse-sqrt", "cosine")
    .option("--warmup <n>", "steps over which the learning rate rises", number, 100)
    .option("--clip <n>", "largest norm of the gradient (the model's own: 1 or 10)", number)
    .option("--validate-every <n>", "steps between validations and checkpoints", number, 250)
    .option(
      "--label-smoothing <n>",
      "share of each target that is spread over all words (0.1; 0 for captions)",
      number,
    )
    .option(
      "--softmax <kind>",
      "sampled or partitioned: each step scores some words in place of all, which is faster where there are many (all)",
    )
    .option("--candidates <n>", "with --softmax: how many words a step scores (3000)", whole("--candidates"))
    .option("--patience <n>", "stop after this many validations without a better loss", number)
    .optionsGroup("The model:")
    .option(
      "--set <name=value>",
      "an option of the model; may be repeated",
      (entry: string, all: string[]) => [...all, entry],
      [] as string[],
    )
    .action((model: string | undefined, options: TrainOptions, command: Command) =>
      together(async (group) => {
        if (options.from?.endsWith(".onnx"))
          throw new UsageError(
            `--from is the ending of the source files of a folder; to go on from a model in a file: regard tune ${options.from} --data texts.tsv --out tuned.onnx`,
          );
        if (group.rank > 0) await follow(group, options);
        else if (options.resume !== undefined)
          await resumeRun(options.resume, model, options, command, group);
        else if (options.settings !== undefined) await startSettled(model, options, command, group);
        else if (model === undefined)
          throw new UsageError(
            "name a model to train, as in: regard train rnnsearch; regard models lists them.",
          );
        else await start(model, options, command, group);
      }),
    );
};

/** Adds an option of how files are read: a number, or a word of several. */
function addReading(command: Command, name: string, schema: (typeof readingOptions)[ReadingOption]): void {
  const titles = formats.flatMap(({ options, title }) =>
    options?.some((one) => one === name) ? [title] : [],
  );
  const description = `of ${titles.join(" and ")}: ${schema.description}`;
  if (schema.unwrap() instanceof z.ZodNumber) command.option(`${flagOf(name)} <n>`, description, number);
  else command.option(`${flagOf(name)} <choice>`, description);
}

/** What the first process of a group tells the others before all prepare to train. */
interface Invitation {
  readonly settings: RunSettings;
  /** What the task prepared, as it is stored. */
  readonly prepared: unknown;
}

/** Trains as one of a group's processes that are not the first: with its settings, on the same data, from its state. */
async function follow(group: Group, options: TrainOptions): Promise<void> {
  const { settings, prepared } = await told<Invitation>(group);
  const file = options.resume === undefined ? options.encoder : join(options.resume, ENCODER_FILE);
  const trainer = await ready(group, async () => {
    const encoder = await runEncoder(file ?? "", settings, openOnnx);
    return Trainer.create(
      settings,
      await openRunData(settings, { encoder }),
      taskOfModel(settings.model).restored(prepared),
      await backendFor(options.device, options.threads ?? threadsHere()),
      { group },
    );
  });
  const { over } = await told<{ over: boolean }>(group);
  if (!over) await train(trainer, { budget: settings.budget });
  await trainer.release();
}

/** The options that were given. */
const asked = (command: Command) =>
  command.options.filter((option) => command.getOptionValueSource(option.attributeName()) === "cli");

/** Options that say how far a run goes. */
const LIMITS = ["minutes", "steps", "epochs"] as const;

function budgetOf(options: TrainOptions) {
  const given = Object.fromEntries(
    LIMITS.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  );
  return Object.keys(given).length > 0 ? given : undefined;
}

/** What stands for yes and no among values. */
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["false", false],
]);

/** `name=value` entries as an object; values that are numbers become numbers, true and false what they say. */
function configurationOf(entries: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    entries.map((entry) => {
      const [name, ...rest] = entry.split("=");
      const value = rest.join("=");
      if (!name || rest.length === 0)
        throw new UsageError(`--set takes name=value, such as hidden=256, not "${entry}".`);
      const number = value !== "" && !Number.isNaN(Number(value)) ? Number(value) : value;
      return [name, BOOLEANS.get(value) ?? number];
    }),
  );
}

/** The optimizer that options ask for, the model's own where they do not. */
function optimizerOf({ optimizer: name, weightDecay }: TrainOptions, usual: OptimizerChoice) {
  const chosen = name === undefined || name === usual.name ? usual : { name };
  if (weightDecay === undefined) return checked("--optimizer", optimizerSchema, chosen, () => "--optimizer");
  if (chosen.name !== "adamw")
    throw new UsageError(
      `--weight-decay is for adamw, and the optimizer is ${chosen.name}; add --optimizer adamw.`,
    );
  return checked(
    "--weight-decay",
    optimizerSchema,
    { ...chosen, decay: weightDecay },
    () => "--weight-decay",
  );
}

/** Where an option is called otherwise than what it sets. */
const OPTION_NAMES: Readonly<Record<string, string>> = {
  "vocabulary.kind": "vocabulary",
  "vocabulary.size": "vocabulary-size",
  "vocabulary.atLeast": "min-count",
  "images.size": "image-size",
  "images.augment": "augment",
  "schedule.name": "schedule",
  "softmax.kind": "softmax",
};

/** An option as it is given, from where it stands in a run's settings. */
function optionOf(path: readonly PropertyKey[]): string {
  const words = path.filter((key) => typeof key === "string");
  return flagOf(OPTION_NAMES[words.join(".")] ?? words.at(-1)!);
}

/** What may be asked for beside a file of settings: how far, where, and how it is computed and told of. */
const BESIDE_SETTINGS = [
  "settings",
  "seed",
  "out",
  "encoder",
  ...LIMITS,
  "device",
  "threads",
  "memory",
  "json",
  "debug",
];

/** Trains as a file of settings says. @throws UsageError for a file that holds none, and for options that it settles */
async function startSettled(
  model: string | undefined,
  options: TrainOptions,
  command: Command,
  group: Group,
): Promise<void> {
  const name = options.settings === "-" ? "standard input" : options.settings!;
  const given = asked(command).filter((one) => !BESIDE_SETTINGS.includes(one.attributeName()));
  if (model !== undefined || given.length > 0)
    throw new UsageError(
      `${name} says what is trained and how; leave out ${[...(model === undefined ? [] : [model]), ...given.map(({ long }) => long)].join(", ")}, or change it there.`,
    );
  const text = await readSettings(options.settings!);
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\ufeff/, ""));
  } catch (error) {
    throw new UsageError(
      `${name} is no JSON (${(error as Error).message}); give the settings of a run.json.`,
    );
  }
  // A whole run.json has its settings inside.
  const inner = (json as { settings?: unknown } | null)?.settings ?? json;
  const seeded = asked(command).some((one) => one.attributeName() === "seed");
  if (typeof inner !== "object" || inner === null || Array.isArray(inner))
    throw new UsageError(`${name} holds no settings; give those of a run.json, or a whole run.json.`);
  const asks = {
    ...inner,
    ...(seeded && { seed: options.seed }),
    ...(budgetOf(options) && { budget: budgetOf(options) }),
  };
  const found = checked(`${name}: option`, settingsSchema, asks);
  const card = modelById(found.model);
  const configuration = checked(
    `${name}: model ${card.id}, option`,
    card.configuration,
    found.configuration,
  ) as RunSettings["configuration"];
  const unknown = unknownName(asks, { ...found, configuration });
  if (unknown !== undefined)
    throw new UsageError(`${name}: there is no option "${unknown}"; take it out, or check how it is spelt.`);
  if (found.images && !taskOf(card).images)
    throw new UsageError(
      `${name}: option "images" is for models that read images, and ${card.id} reads none; take it out.`,
    );
  const settings = { ...found, ...locatedIn(found), configuration };
  await assertReads(taskOf(card).takes, settings, settings.dataOptions);
  if (!settings.images?.encoder) return begin(settings, undefined, options, group);
  if (options.encoder === undefined)
    throw new UsageError(`the images of ${name} go through an encoder; give its file with --encoder.`);
  const encoder = await runEncoder(options.encoder, settings, openOnnx);
  return begin(
    settings,
    { encoder, files: { [ENCODER_FILE]: await readFile(options.encoder) } },
    options,
    group,
  );
}

/** Where the data of settings is: what was named when they were written, or is there now. */
function locatedIn({
  data,
  dataOptions: { from, to, ...rest },
}: RunSettings): Pick<RunSettings, "data" | "dataOptions"> {
  const place = locateData({ data, from, to });
  return { data: place.data, dataOptions: { ...rest, from: place.from, to: place.to } };
}

async function readSettings(file: string): Promise<string> {
  if (file !== "-")
    return readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
      throw new UsageError(
        `cannot read the settings "${file}": ${error.code === "ENOENT" ? "there is no such file" : error.message}.`,
      );
    });
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(part as Buffer);
  return Buffer.concat(parts).toString("utf8");
}

/** Options for texts, and for what is read from files. */
const FOR_TEXTS = ["vocabulary", "vocabularySize", "minCount", "maxLength"];
const FOR_FILES = ["from", "to", "skipBad"];

/** @throws UsageError for options that would change nothing */
function assertOfUse(task: AnyTask, data: string, command: Command): void {
  for (const option of asked(command)) {
    const is = (names: readonly string[]) => names.includes(option.attributeName());
    if (is(FOR_TEXTS) && !task.texts)
      throw new UsageError(`${option.long} is for models that read or write texts; leave it out.`);
    if (is(FOR_FILES) && isEmbedded(data))
      throw new UsageError(`${option.long} is for data in files, and "${data}" needs none; leave it out.`);
  }
}

async function start(model: string, options: TrainOptions, command: Command, group: Group): Promise<void> {
  const card = modelById(model);
  const given = configurationOf(options.set);
  const configuration = checked(`model ${card.id}, option`, card.configuration, given) as Record<
    string,
    unknown
  >;
  for (const name of Object.keys(given))
    if (!(name in configuration))
      throw new UsageError(
        `model ${card.id} has no option "${name}"; it has ${Object.keys(configuration).join(", ")}.`,
      );
  const task = taskOf(card);
  const defaults = trainingDefaults(card);
  const { data, from, to } = locateData({ ...options, data: options.data ?? defaults.data });
  assertOfUse(task, data, command);
  const reading = Object.fromEntries(
    Object.keys(readingOptions).map((name) => [name, options[name as ReadingOption]]),
  ) as Reading;
  await assertReads(task.takes, { data, from, to }, reading);
  const read = await imagesOf(task.images ?? false, data, options);
  const settings = checked(
    "option",
    settingsSchema,
    {
      model,
      configuration,
      data,
      images: read?.images,
      dataOptions: {
        from,
        to,
        skipBad: options.skipBad ?? false,
        maxLength: options.maxLength,
        ...reading,
      },
      vocabulary: {
        kind: options.vocabulary,
        size: options.vocabularySize ?? VOCABULARY_SIZES[options.vocabulary],
        atLeast: options.minCount,
      },
      vectors: options.vectors === undefined ? undefined : resolve(options.vectors),
      begin: options.begin === undefined ? undefined : resolve(options.begin),
      seed: options.seed,
      batch: options.batch ?? defaults.batch,
      targets: options.targets ?? defaults.targets,
      optimizer: optimizerOf(options, defaults.optimizer),
      learningRate: options.learningRate ?? defaults.learningRate,
      schedule: { name: options.schedule, warmup: options.warmup },
      clip: options.clip ?? defaults.clip,
      labelSmoothing: options.labelSmoothing ?? defaults.labelSmoothing,
      softmax: softmaxOf(options),
      patience: options.patience,
      validateEvery: options.validateEvery,
      budget: budgetOf(options) ?? { minutes: DEFAULT_MINUTES },
    } satisfies Record<keyof RunSettings, unknown>,
    optionOf,
  );
  await begin(settings, read, options, group);
}

/** The words that steps score where they do not score all. @throws UsageError for how many where nothing is left out */
function softmaxOf({ softmax, candidates }: TrainOptions): { kind: string; candidates: number } | undefined {
  if (softmax !== undefined) return { kind: softmax, candidates: candidates ?? DEFAULT_CANDIDATES };
  if (candidates !== undefined)
    throw new UsageError(`--candidates is ${candidates}, but all words are scored; add --softmax sampled.`);
  return undefined;
}

/** What surrounds the training of a run at a path. */
const surroundings = (path: string, { memory }: TrainOptions, group: Group): TrainerSurroundings => ({
  group,
  tell: status,
  blocks: (bytes) => new BlocksOnDisk(bytes, path, memory === undefined ? undefined : memory * 2 ** 20),
});

/** Puts into a model what its settings have it begin with, before it trains; sentences that say what. */
async function firstValues(trainer: Trainer): Promise<string[]> {
  const { begin: path, vectors } = trainer.settings;
  const over = path === undefined ? undefined : trainer.beginFrom(await openLearnt(path, { warn }));
  const begun = vectors === undefined ? [] : trainer.beginWith(await openVectors(vectors, { warn }));
  return [
    ...(over
      ? [
          `${over.taken.length} parameters begin with those of ${path}; anew: ${over.own.join(", ") || "none"}.`,
        ]
      : []),
    ...[...(over?.tables ?? []), ...begun].map(
      ({ name, known, words }) => `${name} begins with vectors of ${known} of ${words} words.`,
    ),
  ];
}

/** Trains in a new run. @param read the encoder that its images go through, where there is one, with its file */
async function begin(
  settings: RunSettings,
  read: { encoder?: FrozenEncoder | undefined; files?: Record<string, Uint8Array> } | undefined,
  options: TrainOptions,
  group: Group,
): Promise<void> {
  const { model } = settings;
  const task = taskOfModel(model);
  const backend = await backendFor(options.device, options.threads ?? threadsHere());
  const path =
    options.out ?? join("runs", `${new Date().toISOString().slice(0, 19).replace(/[:T]/g, "-")}-${model}`);
  await RunFolder.assertFree(path);
  status(`Reading ${settings.data} …`);
  const found = await openRunData(settings, { encoder: read?.encoder, check: true });
  const prepared = task.prepare(found, settings);
  await told<Invitation>(group, { settings, prepared });
  const trainer = await ready(group, () =>
    Trainer.create(settings, found, prepared, backend, surroundings(path, options, group)),
  );
  const begun = await firstValues(trainer);
  status();
  for (const note of [...(trainer.data.notes ?? []), ...begun]) warn(note);
  const folder = await RunFolder.create(path, settings, prepared, VERSION, {
    files: read?.files,
    ...(!isEmbedded(settings.data) && { fingerprint: fingerprintOf(found) }),
  });
  describe(trainer);
  try {
    await run(trainer, folder, { options, secondsBefore: 0 });
  } finally {
    folder.release();
  }
}

/** Height and width from an option's text. @throws UsageError where it is none */
function sizeOf(text: string): [number, number] {
  const [, height, width] = /^(\d+)(?:x(\d+))?$/i.exec(text.trim()) ?? [];
  if (height === undefined)
    throw new UsageError(
      `--image-size is "${text}" but should be pixels, such as 128, or 96x128, height first.`,
    );
  return [Number(height), Number(width ?? height)];
}

/** Changes from an option's text. @throws UsageError where there are none such, or the images bear none */
function augmentationsOf(text: string, data: string): Augmentation[] {
  if (data === "scenes")
    throw new UsageError(
      "--augment changes images that are read from files; there are as many scenes as training needs, so leave it out.",
    );
  return text.split(",").map((name) => {
    const found = AUGMENTATIONS.find((known) => known === name.trim());
    if (!found)
      throw new UsageError(`--augment takes ${AUGMENTATIONS.join(", ")}, but not "${name.trim()}".`);
    return found;
  });
}

/** How images are read: their size, and the encoder that was given, with the file of it that the run keeps. */
async function imagesOf(
  reads: boolean,
  data: string,
  { imageSize, augment, encoder: file, encoderLayer, targets }: TrainOptions,
): Promise<
  { images: ImageOptions; encoder?: FrozenEncoder; files?: Record<string, Uint8Array> } | undefined
> {
  if (!reads) {
    if (imageSize ?? augment ?? file ?? encoderLayer ?? targets)
      throw new UsageError(
        "--image-size, --augment, --encoder and --targets are for models that read images; leave them out.",
      );
    return undefined;
  }
  const size = imageSize === undefined ? ([...imageSizeOf(data)] as [number, number]) : sizeOf(imageSize);
  if (file === undefined) {
    if (encoderLayer)
      throw new UsageError("--encoder-layer names a value of a network; give that with --encoder.");
    return { images: { size, ...(augment !== undefined && { augment: augmentationsOf(augment, data) }) } };
  }
  if (augment !== undefined)
    throw new UsageError(
      "--augment changes images at every step, but those that go through --encoder are read once; leave one of them out.",
    );
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(
      `cannot read the encoder "${file}": ${error.code === "ENOENT" ? "there is no such file" : error.message}.`,
    );
  });
  const encoder = await openEncoder(bytes, file, size, openOnnx, encoderLayer);
  warn(`Images go through ${file}, of which "${encoder.layer}" is read: ${encoder.shape.join(" × ")}.`);
  const { layer, shape } = encoder;
  return {
    images: { size, encoder: { layer, shape: [...shape] } },
    encoder,
    files: { [ENCODER_FILE]: bytes },
  };
}

/** What may be asked of a run that goes on: how far, and how it is computed and told of. */
const FREE = ["resume", ...LIMITS, "device", "threads", "memory", "json", "debug"];

/** @throws UsageError where something is asked for that was settled when the run began */
function assertFree(path: string, model: string | undefined, settled: RunSettings, command: Command): void {
  if (model !== undefined && model !== settled.model)
    throw new UsageError(
      `${path} trains ${settled.model}, not ${model}; leave the model out, or begin a new run.`,
    );
  for (const option of asked(command)) {
    if (FREE.includes(option.attributeName())) continue;
    throw new UsageError(
      `${option.long} was settled when ${path} began; leave it out, or begin a new run with it. A resumed run takes --minutes, --steps or --epochs, --device, --threads and --memory.`,
    );
  }
}

async function resumeRun(
  path: string,
  model: string | undefined,
  options: TrainOptions,
  command: Command,
  group: Group,
): Promise<void> {
  const folder = await RunFolder.hold(path);
  try {
    assertFree(path, model, folder.settings, command);
    const settings = { ...folder.settings, budget: budgetOf(options) ?? folder.settings.budget };
    const backend = await backendFor(options.device, options.threads ?? threadsHere());
    // A run that was stopped before its first checkpoint begins again.
    const begun = (await folder.checkpoints()).length > 0;
    const checkpoint = begun ? await folder.newestCheckpoint(warn) : undefined;
    const encoder = await openRunEncoder(path, settings, openOnnx);
    status(`Reading ${settings.data} …`);
    const data = await openRunData(settings, { encoder, check: true });
    const change = folder.fingerprint && changeOf(folder.fingerprint, fingerprintOf(data));
    if (change)
      warn(
        `The data ${settings.data} has changed since the run began: ${change}. The run goes on with it as it is now.`,
      );
    await told<Invitation>(group, { settings, prepared: folder.prepared });
    const trainer = await ready(group, () =>
      Trainer.create(settings, data, folder.prepared, backend, surroundings(path, options, group)),
    );
    status();
    for (const note of trainer.data.notes ?? []) warn(note);
    if (checkpoint) trainer.restore(checkpoint.tensors, checkpoint.metadata);
    else for (const note of await firstValues(trainer)) warn(note);
    const secondsBefore = await folder.rewind(trainer.step);
    if (isOver(trainer, secondsBefore)) {
      await told(group, { over: true });
      await trainer.release();
      await folder.writeState("done");
      print(
        options,
        {
          run: path,
          steps: trainer.step,
          seconds: secondsBefore,
          loss: null,
          validation: null,
          trained: 0,
          notes: trainer.data.notes ?? [],
        },
        `Nothing was trained: ${path} has its ${budgetText(settings.budget)} already, at step ${trainer.step}. Give it more, as with --steps ${2 * trainer.step}.`,
      );
      return;
    }
    await folder.writeBudget(trainer.step, settings.budget);
    warn(`Going on with ${path} from step ${trainer.step}.`);
    await run(trainer, folder, {
      options,
      secondsBefore,
      metadata: checkpoint?.metadata,
    });
  } finally {
    folder.release();
  }
}

const budgetText = (budget: RunSettings["budget"]): string =>
  Object.entries(budget)
    .flatMap(([unit, count]) => (count === undefined ? [] : [`${count} ${unit}`]))
    .join(" or ");

function describe({ settings, task, state, data, prepared, group: { size } }: Trainer): void {
  const count = (value: number) => value.toLocaleString("en");
  warn(
    `${settings.model}: ${count(state.layout.count)} parameters, ${count(data.train.length)} ${task.examples}, ` +
      task.describe(prepared) +
      `${size > 1 ? `; ${size} processes, ${settings.batch / size} of each ${settings.batch}` : ""}.`,
  );
}

/** Steps after which attention should have found something to look at. */
const SETTLED = 500;

const COLLAPSES = {
  uniform:
    "Warning: the attention is spread over all places alike; it says nothing yet. Try a lower --learning-rate.",
  still:
    "Warning: the attention looks at the same places at every step; it says nothing yet. Try a lower --learning-rate.",
} as const;

async function run(
  trainer: Trainer,
  folder: RunFolder,
  context: {
    options: TrainOptions;
    secondsBefore: number;
    metadata?: Readonly<Record<string, string>> | undefined;
  },
): Promise<void> {
  await told(trainer.group, { over: false });
  const bar = new ProgressBar();
  let lastLoss = Number.NaN;
  const inGroup = trainer.group.size > 1;
  const again = `regard train --resume ${folder.path}`;
  const interrupt = interruptSignal(
    () =>
      bar.line(
        inGroup
          ? `Told to stop at step ${trainer.step}: the run is saved after this step if all processes still answer; if one is gone, its last checkpoint stands. Go on with: ${again}`
          : "Stopping after this step and saving; Ctrl-C again to stop at once.",
      ),
    // A launcher tells its processes more than once, and ends by itself those that do not stop.
    { insist: !inGroup },
  );
  try {
    const { interrupted, seconds, validation } = await trainRun(trainer, folder, {
      secondsBefore: context.secondsBefore,
      signal: interrupt.signal,
      metadata: context.metadata,
      onStep(progress) {
        lastLoss = progress.loss;
        bar.update(progress);
        if (progress.skipped)
          bar.line(`step ${progress.step}: the loss or gradient was not finite; nothing was changed.`);
      },
      onValidation(found, step, after) {
        const parts = [
          `step ${step}`,
          `validation loss ${found.loss.toFixed(3)}`,
          ...scoresOf(found, trainer.task.scores).map((score) => `${score.name} ${shownScore(score)}`),
          duration(after),
        ];
        bar.line(parts.join("  "));
        if (found.collapse && step >= SETTLED) bar.line(COLLAPSES[found.collapse]);
      },
      onPatience({ score, step }) {
        const { patience } = trainer.settings;
        bar.line(
          `The ${score.title} has not ${score.better === "lower" ? "fallen" : "risen"} for ${patience === 1 ? "a validation" : `${patience} validations`}; step ${step} was the best.`,
        );
      },
    });
    bar.clear();
    print(
      context.options,
      {
        run: folder.path,
        steps: trainer.step,
        seconds,
        loss: lastLoss,
        validation: validation ?? null,
        notes: trainer.data.notes ?? [],
      },
      interrupted
        ? `Saved ${folder.path} at step ${trainer.step}. Go on with: ${again}`
        : `Trained ${trainer.step} steps in ${duration(seconds)}. The run is ${folder.path}`,
    );
    if (interrupted) throw new Interrupted();
  } catch (error) {
    bar.clear();
    if (error instanceof RegardError && (await folder.checkpoints()).length > 0)
      warn(`The last good checkpoint is kept in ${folder.path}.`);
    throw error;
  } finally {
    interrupt.stop();
    await trainer.release();
  }
}
