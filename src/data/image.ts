/** Images kept in memory once they have been read: the ones that were asked for last, up to a number of bytes. */
export class ImageCache<Item extends { readonly data: { readonly byteLength: number } }> {
  readonly #kept = new Map<string, Item>();
  #bytes = 0;

  /** @param limit bytes that are kept at most */
  constructor(readonly limit = 512 * 2 ** 20) {}

  /** The item of a name: kept, or read now. */
  async get(name: string, read: () => Promise<Item>): Promise<Item> {
    const known = this.#kept.get(name);
    if (known) {
      this.#kept.delete(name);
      this.#kept.set(name, known);
      return known;
    }
    const item = await read();
    const bytes = item.data.byteLength;
    if (bytes > this.limit) return item;
    if (!this.#kept.has(name)) this.#bytes += bytes;
    this.#kept.set(name, item);
    for (const [old, { data }] of this.#kept) {
      if (this.#bytes <= this.limit) break;
      this.#kept.delete(old);
      this.#bytes -= data.byteLength;
    }
    return item;
  }

  /** Bytes that are kept now. */
  get bytes(): number {
    return this.#bytes;
  }
}
