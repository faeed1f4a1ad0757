import { UsageError } from "../core/index.js";
import type { Box } from "./contract.js";

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

/**
 * @param name what the box is, or where it stands, for the message
 * @throws UsageError where a box is none, or not inside an image of some height and width
 */
export function requireInside(
  { x, y, width, height }: Box,
  [high, wide]: readonly [height: number, width: number],
  name: string,
): void {
  if (![x, y, width, height].every(Number.isFinite) || width <= 0 || height <= 0)
    throw new UsageError(
      `${name} is ${[x, y, width, height].join(" ")}, but a box is four numbers, x, y, width and height in pixels, the last two above 0.`,
    );
  if (x < 0 || y < 0 || x + width > wide || y + height > high)
    throw new UsageError(
      `${name} reaches from ${x}, ${y} to ${x + width}, ${y + height}, but the frame has ${wide} × ${high} pixels; give one inside it.`,
    );
}
