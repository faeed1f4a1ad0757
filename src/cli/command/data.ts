import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { UsageError } from "../../core/index.js";
import { publicDatasets } from "../../data/fetch/datasets.js";
import { fetchDataset, isFetched } from "../../data/fetch/fetch.node.js";
import { encodeIdx } from "../../data/format/idx.js";
import { encodePng } from "../../data/format/image.node.js";
import {
  type CaptionData,
  type CaptionDataset,
  datasets,
  detokenise,
  type Film,
  type FilmDataset,
  type LabelledDataset,
  type LabelledImage,
  type Pair,
  type Splits,
} from "../../data/index.js";
import { DATA_FOLDER } from "../../data/open.node.js";
import { writeAtomically } from "../../train/run-folder.node.js";
import { type CommandDefinition, type CommonOptions, define, number, print, warn } from "../command.js";
import { Interrupted, interruptSignal } from "../interrupt.js";
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
  if (dataset.kind === "bits" || dataset.kind === "drives" || dataset.kind === "clips")
    throw new UsageError(
      `"${id}" holds ${dataset.kind}, for which there are no files: they are drawn when they are needed. Train with: regard train MODEL --data ${id}`,
    );
  const labelled = dataset.kind === "labelled images" ? await dataset.load(seed) : undefined;
  if (labelled?.train[0]?.labels)
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
  if (dataset.kind === "captions")
    return makeImages(dataset, await dataset.load(seed), { out, limit, ...options });
  if (dataset.kind === "labelled images") return makeIdx(dataset, labelled!, { out, limit, ...options });
  if (dataset.kind === "films")
    return makeFilms(dataset, await dataset.load(seed), { out, limit, ...options });
  const { train, validation, tests } = await dataset.load(seed);
  const [from, to] = dataset.codes;
  const splits: Record<string, readonly Pair[]> = { train, val: validation, ...tests };
  for (const [split, all] of Object.entries(splits)) {
    const pairs = all.slice(0, limit);
    const write = (ending: string, line: (pair: Pair) => string) =>
      writeAtomically(join(out, `${split}.${ending}`), pairs.map((pair) => `${line(pair)}\n`).join(""));
    await write(from, ({ source }) => detokenise(source));
    await write(to, ({ target }) => detokenise(target));
    // As other tools write word alignments: source-target, with "?" in place of "-" where a link is only possible.
    await write("align", ({ links = [] }) =>
      links.map(({ source, target, sure }) => `${source}${sure ? "-" : "?"}${target}`).join(" "),
    );
  }
  print(
    options,
    {
      dataset: id,
      folder: out,
      from,
      to,
      splits: Object.fromEntries(
        Object.entries(splits).map(([name, pairs]) => [name, Math.min(pairs.length, limit ?? pairs.length)]),
      ),
    },
    `Wrote ${Object.keys(splits).join(", ")} to ${out}. Train with: regard train rnnsearch --data ${out} --from ${from} --to ${to}`,
  );
}

/** Images as PNG, their captions as a CSV and their splits as lists, as `--data` reads them. */
async function makeImages(
  { id }: CaptionDataset,
  { train, validation, tests }: CaptionData,
  { out, limit, ...options }: Omit<MakeOptions, "seed">,
): Promise<void> {
  const splits = Object.fromEntries(
    Object.entries({ train, val: validation, ...tests }).map(([name, images]) => [
      name,
      images.slice(0, limit),
    ]),
  );
  await mkdir(join(out, "images"));
  const lines = ["image,caption"];
  for (const [split, images] of Object.entries(splits)) {
    const names = images.map((_, index) => `${split}-${String(index).padStart(5, "0")}.png`);
    for (const [index, image] of images.entries()) {
      await writeAtomically(join(out, "images", names[index]!), await encodePng(await image.pixels()));
      for (const caption of image.captions)
        lines.push(`${names[index]},"${caption.join(" ").replaceAll('"', '""')}"`);
      if (index % 100 === 0) status(`${split}: ${index} of ${images.length}`);
    }
    await writeAtomically(join(out, `${split}.txt`), names.map((name) => `${name}\n`).join(""));
  }
  status();
  await writeAtomically(join(out, "captions.csv"), `${lines.join("\n")}\n`);
  print(
    options,
    {
      dataset: id,
      folder: out,
      splits: Object.fromEntries(Object.entries(splits).map(([name, images]) => [name, images.length])),
    },
    `Wrote ${Object.keys(splits).join(", ")} to ${out}. Train with: regard train show-attend-tell --data ${out} --image-size 64`,
  );
}

/** Labelled images as IDX files, packed, as `--data` reads them. */
async function makeIdx(
  { id, size: [height, width] = [0, 0] }: LabelledDataset,
  { train, validation, tests }: Splits<LabelledImage>,
  { out, limit, ...options }: Omit<MakeOptions, "seed">,
): Promise<void> {
  const splits = Object.fromEntries(
    Object.entries({ train, validation, ...tests }).map(([name, all]) => [name, all.slice(0, limit)]),
  );
  for (const [split, examples] of Object.entries(splits)) {
    const size = height * width;
    const images = new Uint8Array(examples.length * size);
    for (const [index, example] of examples.entries()) {
      images.set((await example.pixels()).data, index * size);
      if (index % 1000 === 0) status(`${split}: ${index} of ${examples.length}`);
    }
    const labels = Uint8Array.from(examples, ({ label }) => label!);
    const write = (what: string, shape: readonly number[], data: Uint8Array) =>
      writeAtomically(join(out, `${split}-${what}-ubyte.gz`), gzipSync(encodeIdx({ shape, data })));
    await write("images-idx3", [examples.length, height, width], images);
    await write("labels-idx1", [examples.length], labels);
  }
  status();
  print(
    options,
    {
      dataset: id,
      folder: out,
      splits: Object.fromEntries(Object.entries(splits).map(([name, images]) => [name, images.length])),
    },
    `Wrote ${Object.keys(splits).join(", ")} to ${out}. Train with: regard train ram --data ${out}`,
  );
}

/** A folder for each film of each split: its frames as PNG, and its boxes, a line each. */
async function makeFilms(
  { id }: FilmDataset,
  { train, validation, tests }: Splits<Film>,
  { out, limit, ...options }: Omit<MakeOptions, "seed">,
): Promise<void> {
  const splits = Object.fromEntries(
    Object.entries({ train, validation, ...tests }).map(([name, all]) => [name, all.slice(0, limit)]),
  );
  for (const [split, films] of Object.entries(splits))
    for (const [index, film] of films.entries()) {
      status(`${split}: ${index} of ${films.length}`);
      const folder = join(out, split, String(index + 1).padStart(4, "0"));
      await mkdir(folder, { recursive: true });
      for (let frame = 0; frame < film.frames; frame++)
        await writeAtomically(
          join(folder, `${String(frame + 1).padStart(4, "0")}.png`),
          await encodePng(await film.frame(frame)),
        );
      const boxes = film.boxes?.() ?? [film.first];
      await writeAtomically(
        join(folder, "boxes.txt"),
        boxes.map(({ x, y, width, height }) => `${x},${y},${width},${height}\n`).join(""),
      );
    }
  status();
  print(
    options,
    {
      dataset: id,
      folder: out,
      splits: Object.fromEntries(Object.entries(splits).map(([name, films]) => [name, films.length])),
    },
    `Wrote ${Object.keys(splits).join(", ")} to ${out}. Train with: regard train attentive-tracking --data ${out}`,
  );
}
