import { RegardError } from "../core/index.js";
import type { TextTokenizer, TokenizedText } from "../data/index.js";
import { elementName, type ModelProto, type ValueInfoProto } from "../onnx/index.js";
import type { ForeignValue } from "../session/index.js";
import { type Field, type FieldValue, pixelsOf } from "../task/index.js";
import { ForeignError } from "./error.js";
import type { Scale } from "./scales.js";
import { foreignValue, isNumeric, isWhole } from "./value.js";

/** What a graph reads or gives, as its file says. */
export interface Signature {
  readonly name: string;
  /** What the type of its numbers is called. */
  readonly dtype: string;
  /** Sizes; those that differ from call to call by their names, "?" where they have none. Undefined where the file says nothing. */
  readonly shape: readonly (number | string)[] | undefined;
}

/** How a file's inputs are to be read; what is absent is as is usual. */
export interface ReadingOptions {
  readonly tokenizer?: TextTokenizer | undefined;
  /** Height and width of images, where the file leaves them open. */
  readonly size?: readonly [height: number, width: number] | undefined;
  readonly scale?: Scale | undefined;
  /** What the values of an output stand for, in order. */
  readonly labels?: readonly string[] | undefined;
}

/** What an input is for. */
type Role =
  | { readonly kind: "tokens" }
  /** 1 for every token. */
  | { readonly kind: "mask" }
  /** 0 for every token. */
  | { readonly kind: "segments" }
  | { readonly kind: "positions" }
  /** Keys and values of tokens before: none. */
  | { readonly kind: "past" }
  | {
      readonly kind: "image";
      readonly channelsFirst: boolean;
      readonly channels: 1 | 3;
      readonly size: readonly [height: number, width: number];
    }
  | { readonly kind: "numbers" };

/** What an input is for, with what is known of it. */
export interface ReadInput extends Signature {
  readonly role: Role;
}

/** What was given, as it is fed, and what can be looked at in it. */
export interface Given {
  readonly feeds: Readonly<Record<string, ForeignValue>>;
  readonly text?: TokenizedText;
  /** The image that was fed. */
  readonly image?: { readonly width: number; readonly height: number; readonly data: Uint8Array };
}

/** Words that a text is taken to have at most, for the form; the model itself says where it takes fewer. */
const LONGEST = 20_000;
/** Elements an input may have at most. */
const MOST = 2 ** 27;
/** Sides of an image where the file leaves them open. */
const [SIDE, WIDE] = [224, 320];

const signatureOf = ({ name, type }: ValueInfoProto): Signature => {
  const tensor = type?.tensorType;
  const dims = tensor?.shape?.dim;
  return {
    name,
    dtype: tensor ? elementName(tensor.elemType) : "no tensor",
    shape: dims?.map(({ dimValue, dimParam }) =>
      dimParam ? dimParam : Number(dimValue) > 0 ? Number(dimValue) : "?",
    ),
  };
};

/** What a graph reads that is not in the file, and what it gives. */
export function signaturesOf({ graph }: ModelProto): {
  readonly inputs: readonly Signature[];
  readonly outputs: readonly Signature[];
} {
  const stored = new Set(graph.initializer.map(({ name }) => name));
  return {
    inputs: graph.input.filter(({ name }) => !stored.has(name)).map(signatureOf),
    outputs: graph.output.map(signatureOf),
  };
}

/** Names of inputs by what they are for, as exporters call them. */
const NAMES: readonly (readonly [RegExp, Role["kind"]])[] = [
  [/past|cache/i, "past"],
  [/mask/i, "mask"],
  [/token_?type|segment/i, "segments"],
  [/position/i, "positions"],
  [/ids$|^ids|tokens?$/i, "tokens"],
];

/** @throws ForeignError for inputs that nothing can be given for */
export function readInputs(
  inputs: readonly Signature[],
  name: string,
  { size }: ReadingOptions = {},
): ReadInput[] {
  for (const { name: input, dtype } of inputs)
    if (!isNumeric(dtype))
      throw new ForeignError(
        `${name} reads "${input}", which is ${dtype}; this version gives numbers alone.`,
      );
  const roles = inputs.map((input) => ({ ...input, role: roleOf(input, size) }));
  // What goes with tokens does so only where there are some.
  const hasTokens = roles.some(({ role }) => role.kind === "tokens");
  return roles.map((input) =>
    hasTokens || input.role.kind === "image" || input.role.kind === "past"
      ? input
      : { ...input, role: { kind: "numbers" } },
  );
}

function roleOf({ name, dtype, shape }: Signature, size: ReadingOptions["size"]): Role {
  const rank = shape?.length;
  const [, kind] = NAMES.find(([pattern]) => pattern.test(name)) ?? [];
  if (kind === "past" || (kind === "mask" && rank !== undefined && rank <= 2)) return { kind } as Role;
  if (isWhole(dtype) && kind !== undefined && kind !== "mask" && (rank === undefined || rank <= 2))
    return { kind } as Role;
  if (rank === 4 && !/^(bool|u?int(16|32|64)|int8)$/.test(dtype)) {
    const channelsOf = (dimension: number | string) =>
      dimension === 1 || dimension === 3 ? dimension : undefined;
    const [, first, , last] = shape!;
    const channels = channelsOf(first!) ?? channelsOf(last!);
    if (channels !== undefined) {
      const channelsFirst = channelsOf(first!) !== undefined;
      const sides = channelsFirst ? shape!.slice(2) : shape!.slice(1, 3);
      const [high, wide] = sides.map((side) => (typeof side === "number" ? side : undefined));
      return {
        kind: "image",
        channels,
        channelsFirst,
        size: [
          high ?? size?.[0] ?? wide ?? SIDE,
          wide ?? size?.[1] ?? (high === undefined ? SIDE : Math.max(WIDE, high)),
        ],
      };
    }
  }
  return { kind: "numbers" };
}

/** A shape in words: "[batch, 3, 224, 224]". */
export const shapeText = ({ shape }: Pick<Signature, "shape">): string =>
  shape ? `[${shape.join(", ")}]` : "of any shape";

/** What an input is filled with, in words. */
export function roleText({ role }: ReadInput, { tokenizer }: ReadingOptions = {}): string {
  switch (role.kind) {
    case "tokens":
      return tokenizer
        ? "tokens, cut from a text"
        : "tokens, given as numbers; a tokenizer makes them of a text";
    case "mask":
      return "1 for every token";
    case "segments":
      return "0 for every token";
    case "positions":
      return "the place of every token";
    case "past":
      return "empty: nothing came before";
    case "image":
      return `an image, brought to ${role.size[1]} × ${role.size[0]} pixels`;
    case "numbers":
      return "numbers";
  }
}

/** What people give for the inputs of a file: one text or image first, then numbers for all that nothing else fills. */
export function formOf(inputs: readonly ReadInput[], { tokenizer }: ReadingOptions = {}): Field[] {
  const asked = inputs.flatMap((input): Field[] => {
    const { name, role } = input;
    const title = `${name} ${shapeText(input)}`;
    switch (role.kind) {
      case "tokens":
        return tokenizer
          ? [{ name, title, kind: "text", longest: LONGEST, placeholder: "A text for the model to read" }]
          : [{ name, title, kind: "numbers" }];
      case "image":
        return [{ name, title, kind: "image", size: role.size, channels: role.channels, drawn: false }];
      case "numbers":
        return [{ name, title, kind: "numbers" }];
      default:
        return [];
    }
  });
  const weight = ({ kind }: Field) => ["text", "image"].indexOf(kind) + (kind === "numbers" ? 9 : 0);
  return asked.sort((a, b) => weight(a) - weight(b));
}

/**
 * What was filled in, as it is fed; what was left out is 0.
 * @throws ForeignError for what does not fit, naming the input
 */
export function feedsOf(
  inputs: readonly ReadInput[],
  fields: Readonly<Record<string, FieldValue>>,
  options: ReadingOptions,
): Given {
  const unknown = Object.keys(fields).find((name) => !inputs.some((input) => input.name === name));
  if (unknown !== undefined)
    throw new ForeignError(
      `the file has no input "${unknown}"; it has ${inputs.map(({ name }) => `"${name}"`).join(", ")}.`,
    );
  const text = tokensOf(inputs, fields, options);
  const [pixels] = inputs.flatMap(({ name, role }) =>
    role.kind === "image" ? [pixelsOf(fields[name], role.size, role.channels)] : [],
  );
  const sizes = new Map<string, number>();
  const feeds: Record<string, ForeignValue> = {};
  const order = [...inputs].sort(
    (a, b) => Number(a.role.kind === "numbers") - Number(b.role.kind === "numbers"),
  );
  for (const input of order) {
    const value =
      input.role.kind === "image" && pixels
        ? imageValue(input, pixels, options.scale ?? "signed")
        : filledValue(input, fields[input.name], text, sizes, options);
    feeds[input.name] = value;
    input.shape?.forEach((dimension, axis) => {
      if (typeof dimension === "string" && dimension !== "?" && !sizes.has(dimension))
        sizes.set(dimension, value.shape[axis]!);
    });
  }
  return { feeds, ...(text && { text }), ...(pixels && { image: pixels }) };
}

/** The tokens that are fed, those that fill a fixed length left out. */
function tokensOf(
  inputs: readonly ReadInput[],
  fields: Readonly<Record<string, FieldValue>>,
  { tokenizer }: ReadingOptions,
): TokenizedText | undefined {
  const input = inputs.find(({ role }) => role.kind === "tokens");
  if (!input) return undefined;
  const value = fields[input.name];
  let text: TokenizedText;
  if (typeof value === "string" && tokenizer) text = tokenizer.tokenize(value);
  else {
    if (!Array.isArray(value) || value.length === 0)
      throw new ForeignError(
        `"${input.name}" takes tokens; give a text together with its tokenizer (--tokenizer tokenizer.json or vocab.txt), or the numbers of tokens.`,
      );
    const ids = value as readonly number[];
    const pieces = ids.map(String);
    text = tokenizer?.named(ids) ?? { ids, pieces, word: ids.map((_, index) => index), words: pieces };
  }
  const wrong = text.ids.find((id) => !Number.isSafeInteger(id));
  if (wrong !== undefined)
    throw new ForeignError(`${wrong} is no token of "${input.name}"; give whole numbers.`);
  const fixed = input.shape?.at(-1);
  if (typeof fixed === "number" && text.ids.length > fixed)
    throw new ForeignError(
      `the text is ${text.ids.length} tokens, but "${input.name}" takes ${fixed}; give a shorter one.`,
    );
  if (text.ids.length === 0) throw new ForeignError("the text has no tokens; give at least one word.");
  return text;
}

function filledValue(
  input: ReadInput,
  given: FieldValue | undefined,
  text: TokenizedText | undefined,
  sizes: ReadonlyMap<string, number>,
  { tokenizer }: ReadingOptions,
): ForeignValue {
  const { name, dtype, shape, role } = input;
  if (
    text &&
    ["tokens", "mask", "segments", "positions"].includes(role.kind) &&
    !(role.kind !== "tokens" && given)
  ) {
    const fixed = shape?.at(-1);
    const length = typeof fixed === "number" ? fixed : text.ids.length;
    if (length > MOST) throw new ForeignError(`"${name}" takes ${length} tokens, more than are fed here.`);
    const at = (place: number): number => {
      const inside = place < text.ids.length;
      if (role.kind === "tokens") return inside ? text.ids[place]! : (tokenizer?.padding ?? 0);
      if (role.kind === "mask") return inside ? 1 : 0;
      return role.kind === "positions" ? place : 0;
    };
    const batch = shape === undefined || shape.length > 1 ? [1] : [];
    return foreignValue(
      dtype,
      [...batch, length],
      Array.from({ length }, (_, place) => at(place)),
    );
  }
  const numbers = given === undefined ? undefined : given;
  if (numbers !== undefined && !(Array.isArray(numbers) && numbers.every((one) => typeof one === "number")))
    throw new ForeignError(`"${name}" takes numbers; give them with spaces between.`);
  const known = shapeFor(input, numbers as readonly number[] | undefined, sizes);
  const count = known.reduce((a, b) => a * b, 1);
  if (count > MOST)
    throw new ForeignError(
      `"${name}" of shape [${known.join(", ")}] has ${count} numbers, more than are fed here.`,
    );
  return foreignValue(dtype, known, (numbers as readonly number[] | undefined) ?? new Float64Array(count));
}

/** The shape of an input: one example, sizes that others have, and for the rest what the numbers fill. @throws ForeignError */
function shapeFor(
  { name, shape, role }: ReadInput,
  numbers: readonly number[] | undefined,
  sizes: ReadonlyMap<string, number>,
): number[] {
  if (!shape) return numbers ? [numbers.length] : [];
  const named = shape.map((dimension, axis): number | undefined => {
    if (typeof dimension === "number") return dimension;
    if (role.kind === "past") return axis === 0 ? 1 : 0;
    return sizes.get(dimension);
  });
  // The first of several axes is one example, where it is not all that is open.
  const first = named.indexOf(undefined);
  if (first === 0 && shape.length > 1 && (!numbers || named.includes(undefined, 1))) named[0] = 1;
  const open = named.filter((size) => size === undefined).length;
  const rest = named.reduce<number>((product, size) => product * (size ?? 1), 1);
  const left = numbers ? numbers.length / rest : 1;
  let last = open;
  // Of several sizes that are open the last takes all.
  const found = named.map((size) => size ?? (--last === 0 ? left : 1));
  const count = found.reduce((a, b) => a * b, 1);
  if (numbers && (count !== numbers.length || !found.every(Number.isInteger)))
    throw new ForeignError(
      `"${name}" is ${shapeText({ shape })} and was given ${numbers.length} numbers, but takes ${open > 0 ? `a multiple of ${rest}` : rest}; give as many.`,
    );
  return found;
}

/** Mean and deviation of the colours of ImageNet, by channel. */
const IMAGENET = [
  [0.485, 0.456, 0.406],
  [0.229, 0.224, 0.225],
] as const;

function imageValue(
  { name, dtype, role }: ReadInput,
  { width, height, data }: NonNullable<Given["image"]>,
  scale: Scale,
): ForeignValue {
  if (role.kind !== "image") throw new RegardError(`input "${name}" is no image.`);
  const { channels, channelsFirst } = role;
  const numbers = new Float32Array(data.length);
  const scaled = (value: number, channel: number): number => {
    if (dtype === "uint8" || scale === "bytes") return value;
    if (scale === "unit") return value / 255;
    if (scale === "signed") return value / 127.5 - 1;
    return (value / 255 - IMAGENET[0][channel]!) / IMAGENET[1][channel]!;
  };
  const plane = width * height;
  for (let pixel = 0; pixel < plane; pixel++)
    for (let channel = 0; channel < channels; channel++)
      numbers[channelsFirst ? channel * plane + pixel : pixel * channels + channel] = scaled(
        data[pixel * channels + channel]!,
        channel,
      );
  const shape = channelsFirst ? [1, channels, height, width] : [1, height, width, channels];
  return foreignValue(dtype, shape, numbers);
}
