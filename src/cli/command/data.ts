import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "../../core/index.js";
import { publicDatasets } from "../../data/fetch/datasets.js";
import { fetchDataset, isFetched } from "../../data/fetch/fetch.node.js";
import { datasets, isEmbedded, type LabelledImage } from "../../data/index.js";
import { DATA_FOLDER } from "../../data/open.node.js";
import { models } from "../../models/index.js";
import { taskOf, trainingDefaults } from "../../task/index.js";
import { type CommandDefinition, type CommonOptions, define, number, print, warn } from "../command.js";
import { Interrupted, interruptSignal } from "../interrupt.js";
import { writers } from "../make.js";
import { status } from "../terminal.js";

interface FetchCommandOptions extends CommonOptions {
  readonly out?: string;
  readonly mirror?: string;
}

interface MakeOptions extends CommonOptions {
  readonly out: string;
  readonly seed: number;
  readonly limit?: number | undefined;
}

export const dataCommand: CommandDefinition = (program) => {
  const data = define(program, "data", "list datasets; fetch public ones; write embedded ones to files", [
    "data",
    "data fetch multi30k",
    "data make bilingual --out data/bilingual",
  ]).action(list);
  define(
    data,
    "fetch <dataset>",
    "fetch a public dataset, checked by its SHA-256; goes on where it stopped",
    ["data fetch multi30k", "train rnnsearch --data multi30k --min-count 2"],
  )
    .option("--out <folder>", `where it goes (${DATA_FOLDER}/ and its name, where --data finds it)`)
    .option("--mirror <url>", "take the files from this address instead")
    .action(fetchPublic);
  define(data, "make <dataset>", "write an embedded dataset as parallel files, with its word alignment", [
    "data make bilingual --out data/bilingual --seed 7",
    "data make scenes --out data/scenes --limit 500",
  ])
    .requiredOption("--out <folder>", "a new folder for the files")
    .option("--seed <n>", "decides what is drawn", number, 1)
    .option("--limit <n>", "examples of a split that are written at most", number)
    .action(make);
};

async function list(options: CommonOptions): Promise<void> {
  const embedded = datasets.map(({ id, title, origin, splits }) => ({
    id,
    title,
    origin,
    splits,
    embedded: true,
  }));
  const known = await Promise.all(
    publicDatasets.map(async (dataset) => {
      const { id, title, homepage, licence, files } = dataset;
      const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
      const fetched = await isFetched(dataset, join(DATA_FOLDER, id));
      return { id, title, homepage, licence, bytes, fetched, embedded: false };
    }),
  );
  const text = [
    ...embedded.map(
      ({ id, title, origin, splits }) =>
        `${id}\n  ${title}\n  ${origin}; splits ${Object.keys(splits).join(", ")}`,
    ),
    ...known.map(
      ({ id, title, homepage, licence, bytes, fetched }) =>
        `${id}\n  ${title}\n  ${homepage}; terms: ${licence}\n  ${(bytes / 1e6).toFixed(1)} MB; ${fetched ? `fetched, in ${join(DATA_FOLDER, id)}` : `fetch it with: regard data fetch ${id}`}`,
    ),
  ];
  print(options, [...embedded, ...known], text.join("\n\n"));
}

async function fetchPublic(id: string, options: FetchCommandOptions): Promise<void> {
  const dataset = publicDatasets.find((entry) => entry.id === id);
  if (!dataset)
    throw new UsageError(
      `there is no public dataset "${id}"; regard data lists them: ${publicDatasets.map((entry) => entry.id).join(", ")}.`,
    );
  const folder = options.out ?? join(DATA_FOLDER, id);
  warn(`${dataset.title}, from ${dataset.homepage}. Terms: ${dataset.licence}.`);
  const interrupt = interruptSignal(() => {});
  try {
    const fetched = await fetchDataset(dataset, folder, {
      mirror: options.mirror,
      signal: interrupt.signal,
      onProgress(name, bytes, total) {
        const share = total === undefined ? "" : `, ${Math.floor((100 * bytes) / total)} %`;
        status(`${name}: ${(bytes / 1e6).toFixed(2)} MB${share}`);
      },
    });
    status();
    print(
      options,
      {
        dataset: id,
        folder,
        files: dataset.files.map(({ name }) => name),
        fetched,
        licence: dataset.licence,
      },
      fetched.length === 0
        ? `${folder} has all of ${id} already.`
        : `Fetched ${fetched.join(", ")} into ${folder}; every checksum is right. Train with: regard train rnnsearch --data ${options.out ?? id}`,
    );
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    warn("Stopped; the same command goes on from here.");
    throw new Interrupted();
  } finally {
    interrupt.stop();
  }
}

async function make(id: string, { out, seed, limit, ...options }: MakeOptions): Promise<void> {
  const dataset = datasets.find((entry) => entry.id === id);
  if (!dataset)
    throw new UsageError(
      `there is no embedded dataset "${id}"; choose one of ${datasets.map((entry) => entry.id).join(", ")}.`,
    );
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new UsageError(`--seed is ${seed} but must be a whole number from 0.`);
  if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 1))
    throw new UsageError(`--limit is ${limit} but must be a whole number from 1.`);
  const writer = writers[dataset.kind];
  if (!writer)
    throw new UsageError(
      `"${id}" holds ${dataset.kind}, for which there are no files: they are drawn when they are needed. Train with: regard train MODEL --data ${id}`,
    );
  const { train, validation, tests } = await dataset.load(seed);
  if (dataset.kind === "labelled images" && (train[0] as LabelledImage | undefined)?.labels)
    throw new UsageError(
      `the images of "${id}" have several labels each, for which an IDX file has no room. Train with: regard train MODEL --data ${id}`,
    );
  await mkdir(out, { recursive: false }).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(
      error.code === "EEXIST"
        ? `"${out}" is there already; choose a new folder with --out.`
        : `cannot make "${out}": ${error.message}.`,
    );
  });
  const splits = Object.fromEntries(
    Object.entries({ train, [writer.validation]: validation, ...tests }).map(([name, all]) => [
      name,
      (all as readonly unknown[]).slice(0, limit),
    ]),
  );
  const { about, options: reading = "" } = await writer.write(dataset, splits, out);
  status();
  // An embedded dataset of the same name would be taken instead.
  const path = isEmbedded(out) ? `./${out}` : out;
  // One that begins with it rather than one of its kind, one with attention rather than one without.
  const fitting = models.filter((card) => taskOf(card).takes === dataset.kind);
  const begins = fitting.filter((card) => trainingDefaults(card).data === dataset.id);
  const [first] = begins.length > 0 ? begins : fitting;
  const attends = (begins.length > 0 ? begins : fitting).find(({ attention }) => attention[0] !== "none");
  const model = attends ?? first!;
  print(
    options,
    {
      dataset: id,
      folder: out,
      ...about,
      splits: Object.fromEntries(Object.entries(splits).map(([name, { length }]) => [name, length])),
    },
    `Wrote ${Object.keys(splits).join(", ")} to ${out}. Train with: regard train ${model.id} --data ${path}${reading}`,
  );
}
