import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { UsageError } from "../core/index.js";
import type { DataKind, ExampleOf, Splits } from "./contract.js";
import { publicDatasets } from "./fetch/datasets.js";
import { type Format, formatOf, formats, IMAGE_SIZE, type ReadOptions } from "./formats.node.js";
import { datasets, isEmbedded } from "./index.js";
import { flagOf, type Reading, type ReadingOption, readingOptions } from "./reading.js";

/** Where `regard data fetch` puts datasets, a folder each, under the present folder. */
export const DATA_FOLDER = "data";

/** What `openData` takes: an embedded dataset's id or an absolute path, and the endings of parallel files. */
export interface DataPlace {
  readonly data: string;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/**
 * Where data is that a user names: an embedded dataset, a file or folder, or a public dataset that has been fetched.
 * @throws UsageError where it is none of them
 */
export function locateData({ data: name, from, to }: DataPlace): DataPlace {
  if (isEmbedded(name)) return { data: name, from, to };
  if (existsSync(name)) return { data: resolve(name), from, to };
  const known = publicDatasets.find(({ id }) => id === name);
  if (!known)
    throw new UsageError(
      `there is no dataset or file called "${name}"; give one of ${[...datasets, ...publicDatasets].map(({ id }) => id).join(", ")}, a table of pairs (.tsv), a folder of parallel files, or captions with their images.`,
    );
  const folder = join(DATA_FOLDER, known.id);
  if (!existsSync(folder))
    throw new UsageError(`"${name}" is not on this machine yet; fetch it with: regard data fetch ${name}`);
  return "file" in known.read
    ? { data: resolve(folder, known.read.file), from, to }
    : { data: resolve(folder), from: from ?? known.read.from, to: to ?? known.read.to };
}

/** Names of the splits that can be scored, without reading what is in them. */
export async function splitNames({ data, ...endings }: DataPlace): Promise<string[]> {
  const embedded = datasets.find(({ id }) => id === data);
  if (embedded) return [...Object.keys(embedded.splits), "validation"];
  return (await formatOf(data, endings)).splits;
}

/** What kind of data is at a place. */
export async function kindOfData({ data }: DataPlace): Promise<DataKind> {
  const embedded = datasets.find(({ id }) => id === data);
  return embedded?.kind ?? (await formatOf(data)).format.kind;
}

/**
 * The first format of a kind that a path may be in, so that what is wrong with it is said.
 * @throws UsageError where the path is surely of another kind, or no files are of this one
 */
async function formatFor(kind: DataKind, { data, ...place }: DataPlace): Promise<Format> {
  const fits = (format: Format) => format.splits(data, place).catch(() => undefined);
  const possible = formats.filter((format) => format.kind === kind);
  // The last format takes whatever no other does, so it tells nothing of a path.
  const sure = formats.slice(0, -1);
  for (const format of possible) if (sure.includes(format) && (await fits(format))) return format;
  for (const format of sure)
    if (format.kind !== kind && (await fits(format)))
      throw new UsageError(
        `the model takes ${kind}, but "${data}" holds ${format.title}; ${otherData(kind)}.`,
      );
  if (possible.length === 0)
    throw new UsageError(
      `no files hold ${kind}, which the model takes, so "${data}" cannot be read; ${otherData(kind)}.`,
    );
  return possible.at(-1)!;
}

/** What can be named in place of data that a model does not take. */
const otherData = (kind: DataKind): string =>
  `name ${datasets
    .flatMap((one) => (one.kind === kind ? [`"${one.id}"`] : []))
    .join(" or ")}${formats.some((format) => format.kind === kind) ? ", or your own data" : ""}`;

/**
 * Refuses what was said of how files are read where the data does not take it.
 * @throws UsageError naming the option and the formats that take it
 */
export async function assertReads(kind: DataKind, place: DataPlace, reading: Reading): Promise<void> {
  const given = (Object.keys(readingOptions) as ReadingOption[]).filter(
    (name) => reading[name] !== undefined,
  );
  if (given.length === 0) return;
  const embedded = isEmbedded(place.data);
  const taken = embedded ? [] : ((await formatFor(kind, place)).options ?? []);
  const refused = given.find((name) => !taken.includes(name));
  if (refused !== undefined)
    throw new UsageError(
      `${flagOf(refused)} is for ${formats
        .flatMap(({ options, title }) => (options?.includes(refused) ? [title] : []))
        .join(" and ")}, and "${place.data}" is none; leave it out.`,
    );
}

/**
 * The examples of what `locateData` found.
 * @param kind what they are to be
 * @param options.seed decides what embedded datasets hold
 * @throws UsageError naming file and line of what cannot be used
 */
export async function openData<Kind extends DataKind>(
  kind: Kind,
  { data, ...place }: DataPlace,
  options: ReadOptions,
): Promise<Splits<ExampleOf[Kind]>> {
  const embedded = datasets.find(({ id }) => id === data);
  if (embedded) {
    if (embedded.kind !== kind)
      throw new UsageError(
        `"${data}" holds ${embedded.kind} but the model takes ${kind}; ${otherData(kind)}.`,
      );
    return embedded.load(options.seed) as Promise<Splits<ExampleOf[Kind]>>;
  }
  if (!existsSync(data))
    throw new UsageError(
      `the data "${data}" is no longer there; put it back, or name other data with --data.`,
    );
  const format = await formatFor(kind, { data, ...place });
  return format.read(data, { ...options, ...place }) as Promise<Splits<ExampleOf[Kind]>>;
}

/** Height and width at which images of some data are read, where nothing else is asked for. */
export function imageSizeOf(data: string): readonly [height: number, width: number] {
  const embedded = datasets.find(({ id }) => id === data);
  return embedded?.size ?? IMAGE_SIZE;
}
