import { randomUUID } from "node:crypto";
import { closeSync, existsSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type BlockStore, BlocksInMemory, UsageError } from "../core/index.js";

/** Which share of the memory that is free blocks take before others go to disk: the rest is the caller's. */
const SHARE_OF_FREE_MEMORY = 0.5;

/** The folder at a path or, where there is none yet, the nearest one above it. */
function folderAt(path: string): string {
  let folder = resolve(path);
  while (!existsSync(folder)) folder = dirname(folder);
  return folder;
}

/** Blocks in memory as long as they fit, the others in a file that is gone when the process ends. */
export class BlocksOnDisk implements BlockStore {
  readonly #memory = new BlocksInMemory();
  readonly #held: number;
  #file: { readonly path: string; readonly descriptor: number } | undefined;
  #bytes = 0;

  /**
   * @param length bytes of a block
   * @param path the file lies here, or above where there is no such folder yet
   * @param room how many bytes are held in memory; half of what is free where it is left out
   */
  constructor(
    private readonly length: number,
    private readonly path: string,
    room: number = SHARE_OF_FREE_MEMORY * process.availableMemory(),
  ) {
    this.#held = Math.floor(room / length);
  }

  /** Bytes that are on disk. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @throws UsageError where the disk is full or refuses the file */
  write(block: number, bytes: Uint8Array): void {
    if (block < this.#held) {
      this.#memory.write(block, bytes);
      return;
    }
    const place = (block - this.#held) * this.length;
    try {
      this.#file ??= this.#open();
      const { descriptor } = this.#file;
      for (let done = 0; done < bytes.length; )
        done += writeSync(descriptor, bytes, done, bytes.length - done, place + done);
    } catch (error) {
      throw new UsageError(
        `what does not fit in memory goes to a file in ${folderAt(this.path)}, which cannot take ${Math.ceil((place + this.length) / 2 ** 20)} MiB (${(error as NodeJS.ErrnoException).code}); free some disk, give --out elsewhere, or less text.`,
      );
    }
    this.#bytes = Math.max(this.#bytes, place + this.length);
  }

  read(block: number, bytes: Uint8Array): void {
    if (block < this.#held) {
      this.#memory.read(block, bytes);
      return;
    }
    const { descriptor } = this.#file!;
    const place = (block - this.#held) * this.length;
    for (let done = 0; done < bytes.length; ) {
      const read = readSync(descriptor, bytes, done, bytes.length - done, place + done);
      if (read === 0) throw new Error(`block ${block} was cut short on disk`);
      done += read;
    }
  }

  close(): void {
    this.#memory.close();
    if (!this.#file) return;
    closeSync(this.#file.descriptor);
    rmSync(this.#file.path, { force: true });
    this.#file = undefined;
  }

  #open() {
    const path = join(folderAt(this.path), `.regard-${randomUUID()}.tmp`);
    const descriptor = openSync(path, "wx+", 0o600);
    try {
      // A file without a name is gone with the process, however that ends. Windows keeps the name of an open file: `close` removes it.
      rmSync(path);
    } catch {}
    return { path, descriptor };
  }
}
