import type { TextTokenizer } from "../data/index.js";
import {
  ForeignError,
  type ForeignGraph,
  type ReadInput,
  readInputs,
  signaturesOf,
} from "../foreign/index.js";
import type { Value, Values } from "../session/index.js";
import type { LabelledText } from "./texts.js";

/** Sizes of what is fed: numbers where a graph takes no other, names where it takes any. */
export interface Sizes {
  readonly batch: number | "batch";
  readonly length: number | "length";
}

/** Makes what a graph reads of texts. */
export class TextReader {
  readonly inputs: readonly ReadInput[];
  /** Sizes that the file itself fixes. */
  readonly sizes: Sizes;
  #cut = 0;

  /** @throws ForeignError where it reads what no text fills */
  constructor(
    { model, name }: ForeignGraph,
    private readonly tokenizer: TextTokenizer,
    /** Tokens at most. */
    private readonly longest: number,
  ) {
    this.inputs = readInputs(signaturesOf(model).inputs, name);
    const other = this.inputs.find(
      ({ role, shape }) =>
        !["tokens", "mask", "segments", "positions"].includes(role.kind) || (shape?.length ?? 2) !== 2,
    );
    const tokens = this.inputs.find(({ role }) => role.kind === "tokens");
    if (other ?? !tokens)
      throw new ForeignError(
        other
          ? `${name} reads "${other.name}" (${other.role.kind}), which texts alone do not fill; only files that read tokens in two axes are tuned.`
          : `${name} reads no tokens; only files that read texts are tuned.`,
      );
    const [batch, length] = tokens!.shape ?? [];
    this.sizes = {
      batch: typeof batch === "number" ? batch : "batch",
      length: typeof length === "number" ? length : "length",
    };
  }

  /** Texts that were longer than is read, and were cut. */
  get cut(): number {
    return this.#cut;
  }

  /** The mask, where there is one. */
  get mask(): ReadInput | undefined {
    return this.inputs.find(({ role }) => role.kind === "mask");
  }

  /** The shapes of the inputs. */
  shapes({ batch, length }: Sizes): Readonly<Record<string, readonly (number | string)[]>> {
    return Object.fromEntries(this.inputs.map(({ name }) => [name, [batch, length]]));
  }

  /** How many tokens texts have together. */
  count(texts: readonly string[]): number {
    return texts.reduce((sum, text) => sum + this.tokenizer.tokenize(text).ids.length, 0);
  }

  /** Texts as they are fed: as many rows as there are, or as the sizes say, the first text in those that are left. */
  feeds(texts: readonly LabelledText[], sizes: Sizes): Values {
    const room = sizes.length === "length" ? this.longest : Math.min(this.longest, sizes.length);
    const rows = texts.map(({ texts: parts }) => this.#tokens(parts, room));
    const length = sizes.length === "length" ? Math.max(...rows.map(({ ids }) => ids.length)) : sizes.length;
    const count = sizes.batch === "batch" ? rows.length : sizes.batch;
    const filled = ({ role }: ReadInput): Int32Array => {
      const data = new Int32Array(count * length);
      for (let row = 0; row < count; row++) {
        const { ids, second } = rows[row] ?? rows[0]!;
        for (let place = 0; place < length; place++) {
          const inside = place < ids.length;
          data[row * length + place] =
            role.kind === "tokens"
              ? inside
                ? ids[place]!
                : this.tokenizer.padding
              : role.kind === "mask"
                ? Number(inside)
                : role.kind === "segments"
                  ? Number(inside && place >= second)
                  : place;
        }
      }
      return data;
    };
    return Object.fromEntries(
      this.inputs.map((input): [string, Value] => [
        input.name,
        { dtype: "int32", shape: [count, length], data: filled(input) },
      ]),
    );
  }

  /** Tokens of a text, or of two after one another with the mark that begins the second left out, and where that begins. */
  #tokens(
    parts: readonly string[],
    room: number,
  ): { readonly ids: readonly number[]; readonly second: number } {
    const [first, next] = parts.map((part) => this.tokenizer.tokenize(part).ids) as [number[], number[]?];
    const ids = [...first, ...(next ? next.slice(next[0] === first[0] ? 1 : 0) : [])];
    if (ids.length > room) this.#cut++;
    return { ids: ids.slice(0, room), second: first.length };
  }
}
