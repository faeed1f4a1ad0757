/** Where bytes lie that may be more than memory holds: blocks of one length, by their number. */
export interface BlockStore {
  /** Keeps a block: a new one, which is the next, or another in place of one that is kept. */
  write(block: number, bytes: Uint8Array): void;
  /** Copies a block that is kept. */
  read(block: number, bytes: Uint8Array): void;
  /** Gives back what it takes. */
  close(): void;
}

/** Blocks in memory, wherever code runs. */
export class BlocksInMemory implements BlockStore {
  readonly #blocks: Uint8Array[] = [];

  write(block: number, bytes: Uint8Array): void {
    this.#blocks[block] = bytes.slice();
  }

  read(block: number, bytes: Uint8Array): void {
    bytes.set(this.#blocks[block]!);
  }

  close(): void {
    this.#blocks.length = 0;
  }
}
