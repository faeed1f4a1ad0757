import { existsSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "../core/index.js";
import { publicDatasets } from "../data/fetch/datasets.js";
import { formatOf } from "../data/formats.node.js";
import { type DataKind, datasets, isEmbedded } from "../data/index.js";
import type { DataPlace } from "../data/open.node.js";
import type { DatasetInfo } from "../service/index.js";
import { taskOfModel } from "../task/index.js";
import type { RunSettings } from "../train/index.js";
import { writeAtomically } from "../train/run-folder.node.js";
import { inside } from "./files.js";

/** Which data, and how to read it. */
export interface DataRequest {
  readonly place: DataPlace;
  readonly kind: DataKind;
  readonly skipBad: boolean;
  readonly maxLength?: number | undefined;
  readonly seed: number;
}

/** Which data a run was trained on. */
export const dataOf = ({
  model,
  data,
  dataOptions: { from, to, skipBad, maxLength },
  seed,
}: RunSettings): DataRequest => ({
  place: { data, from, to },
  kind: taskOfModel(model).takes,
  skipBad,
  maxLength,
  seed,
});

/** The data a studio may use: what is embedded, and what lies in its data folder. */
export class DataFolder {
  constructor(readonly folder: string) {}

  async list(): Promise<DatasetInfo[]> {
    const embedded = datasets.map(({ id, title, kind }) => ({ id, title, kind }));
    const entries = await readdir(this.folder, { withFileTypes: true }).catch(() => []);
    const found = entries.flatMap((entry): DatasetInfo[] => {
      if (entry.name.startsWith(".")) return [];
      const known = publicDatasets.find(({ id }) => id === entry.name);
      if (known) {
        const { read, title } = known;
        return "file" in read
          ? [{ id: `${entry.name}/${read.file}`, title, kind: "pairs" as const }]
          : [{ id: entry.name, title, kind: "pairs" as const, from: read.from, to: read.to }];
      }
      if (entry.isDirectory())
        return [{ id: entry.name, title: `parallel files in ${entry.name}`, kind: "pairs" }];
      return /\.tsv(\.gz)?$/.test(entry.name)
        ? [{ id: entry.name, title: `your pairs: ${entry.name}`, kind: "pairs" }]
        : [];
    });
    const images = await Promise.all(
      found.map(async (one): Promise<DatasetInfo> => {
        const { format } = await formatOf(join(this.folder, one.id), one);
        return format.kind === one.kind
          ? one
          : { id: one.id, title: `${format.title} in ${one.id}`, kind: format.kind };
      }),
    );
    return [...embedded, ...images];
  }

  /** Where a client's data is. @throws UsageError where it is not embedded and not inside the data folder */
  locate({ data, from, to }: DataPlace): DataPlace {
    if (isEmbedded(data)) return { data };
    const path = inside(this.folder, data);
    if (!existsSync(path))
      throw new UsageError(
        `there is no "${data}" in ${this.folder}; put it there, or drop it onto the page.`,
      );
    return { data: path, from, to };
  }

  /**
   * Keeps a table of pairs.
   * @param check reads the draft, and throws where it cannot be used; nothing is kept then
   */
  async add<Found>(
    name: string,
    content: string,
    check: (draft: DataPlace) => Promise<Found>,
  ): Promise<{ file: string; found: Found }> {
    const file = /\.tsv$/.test(name) ? name : `${name.replace(/\.(txt|csv)$/, "")}.tsv`;
    const path = inside(this.folder, file);
    if (existsSync(path))
      throw new UsageError(`there is already a "${file}" in ${this.folder}; rename yours.`);
    await mkdir(this.folder, { recursive: true });
    const draft = join(this.folder, `.${file}`);
    await writeAtomically(draft, content);
    try {
      const found = await check({ data: draft });
      await writeAtomically(path, content);
      return { file, found };
    } catch (error) {
      throw error instanceof UsageError ? new UsageError(error.message.replaceAll(draft, file)) : error;
    } finally {
      await rm(draft, { force: true });
    }
  }
}
