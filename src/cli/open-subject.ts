import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { toBase64, UsageError } from "../core/index.js";
import { openClip } from "../data/format/clip.node.js";
import { filmOfFolder, framesOfFolder } from "../data/format/films.node.js";
import { assertImage, greyOf, readImage } from "../data/format/image.node.js";
import { readSound } from "../data/format/speech.node.js";
import type { Asked } from "../service/index.js";
import type { Field, FieldValue, ImageValue } from "../task/index.js";

/** The field of a form that one argument of the command line fills in. */
const onlyField = (form: readonly Field[]): Field => form[0]!;

/** Whether a form asks for a text, so that what is given is never the name of a file or of an example. */
export const asksForText = (form: readonly Field[]): boolean => onlyField(form).kind === "text";

/**
 * What a picture of an input is called: its text, or the name of its file with the texts that were given beside it.
 * @param known what the example is called that was asked about, which is taken where texts belong to it
 */
export function inputTitle(
  form: readonly Field[],
  input: string,
  { field = [], known }: { readonly field?: readonly string[] | undefined; readonly known?: string } = {},
): string {
  if (asksForText(form) && field.length === 0) return input;
  if (known !== undefined && form.some(({ kind }) => kind === "text")) return known;
  return [basename(input), ...field.map((one) => one.slice(one.indexOf("=") + 1))].join(": ");
}

/**
 * What was given on the command line: a text, an example of the run's data such as `test:17`, a file, bits or numbers.
 * @param others further fields, such as `question=what is it?`; of an example of the data, what is to be asked of it instead
 * @throws UsageError for what the form cannot take
 */
export async function askedOf(
  form: readonly Field[],
  input: string,
  others: readonly string[] = [],
): Promise<Asked> {
  const [, split, index] = /^([\w-]+):(\d+)$/.exec(input) ?? [];
  if (split === undefined || asksForText(form)) return { fields: await wholeFieldsOf(form, input, others) };
  const changed = await otherFields(form, others);
  return { split, index: Number(index), ...(others.length > 0 && { changed }) };
}

/** What a form's fields are filled with from an argument, and further fields. @throws UsageError for what it cannot take */
export async function fieldsOf(
  form: readonly Field[],
  input: string,
  others: readonly string[] = [],
): Promise<Readonly<Record<string, FieldValue>>> {
  const choice = form.find((one) => one.kind === "choice" && one.of.includes(input));
  const field = choice ?? onlyField(form);
  return { [field.name]: await filledIn(field, input), ...(await otherFields(form, others)) };
}

/** The same, with every text that is asked for. @throws UsageError where one is missing, or for what cannot be taken */
export async function wholeFieldsOf(
  form: readonly Field[],
  input: string,
  others: readonly string[] = [],
): Promise<Readonly<Record<string, FieldValue>>> {
  const filled = await fieldsOf(form, input, others);
  const lacking = form.find(({ name, kind }) => kind === "text" && filled[name] === undefined);
  if (lacking)
    throw new UsageError(
      `a ${lacking.title.toLowerCase()} is asked for as well; give it with --field "${lacking.name}=…".`,
    );
  return filled;
}

/** Fields written as `name=value`. @throws UsageError for what is no field of a form */
async function otherFields(
  form: readonly Field[],
  others: readonly string[],
): Promise<Readonly<Record<string, FieldValue>>> {
  const filled: Record<string, FieldValue> = {};
  for (const one of others) {
    const at = one.indexOf("=");
    const field = form.find(({ name }) => name === one.slice(0, at));
    if (at < 1 || !field)
      throw new UsageError(
        `--field is "${one}" but must be a field and its value, such as "${form.at(-1)!.name}=…"; there are ${form.map(({ name }) => name).join(", ")}.`,
      );
    filled[field.name] = await filledIn(field, one.slice(at + 1));
  }
  return filled;
}

async function filledIn(field: Field, input: string): Promise<FieldValue> {
  switch (field.kind) {
    case "text":
    case "choice":
      return input;
    case "image": {
      const { width, height, data } = await readImageFile(input, field.size);
      const pixels = field.channels === 3 ? data : greyOf(data);
      return { width, height, data: toBase64(pixels) };
    }
    case "clip":
      return clipFile(input, field);
    case "sound":
      return soundFile(input);
    case "bits":
      return bitsOf(input);
    case "numbers":
      return numbersOf(input);
    case "film":
      return field.boxed ? filmValueOf(input, field.size) : framesValueOf(input, field.size);
  }
}

/** A WAV file. @throws UsageError naming what cannot be used */
async function soundFile(path: string): Promise<FieldValue> {
  const { rate, samples } = await readSound(path);
  return { rate, samples: toBase64(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength)) };
}

/** A folder of frames in colour. @throws UsageError naming what cannot be used */
async function framesValueOf(folder: string, size: readonly [number, number]): Promise<FieldValue> {
  const frames: ImageValue[] = [];
  for (const file of await framesOfFolder(folder)) {
    const { width, height, data } = await readImageFile(file, size);
    frames.push({ width, height, data: toBase64(data) });
  }
  return { frames };
}

/** A folder of frames with their first box. @throws UsageError naming what cannot be used */
async function filmValueOf(folder: string, size: readonly [number, number]): Promise<FieldValue> {
  const film = await filmOfFolder(folder, size);
  const frames: ImageValue[] = [];
  for (let index = 0; index < film.frames; index++) {
    const { width, height, data } = await film.frame(index);
    frames.push({ width, height, data: toBase64(data) });
  }
  const { x, y, width, height } = film.first;
  return { frames, box: [x, y, width, height] };
}

/** A folder of frames, or an `.npy` file of features. @throws UsageError where it cannot be read, or is not what is asked for */
async function clipFile(
  path: string,
  { frame, longest }: Extract<Field, { kind: "clip" }>,
): Promise<FieldValue> {
  const clip = await openClip(path, { mostFrames: longest }, frame);
  if (clip.frame.join() !== frame.join())
    throw new UsageError(
      `the frames of "${path}" are ${clip.frame.join(" × ")} but the model reads ${frame.join(" × ")}; give a clip like those it was trained on, or an example such as test:0.`,
    );
  await clip.check();
  const { buffer, byteOffset, byteLength } = await clip.frames();
  return { count: clip.count, frames: toBase64(new Uint8Array(buffer, byteOffset, byteLength)) };
}

/** `1011 0010` as rows of bits. @throws UsageError for anything else */
function bitsOf(input: string): number[][] {
  const rows = input.trim().split(/[\s,]+/);
  for (const row of rows)
    if (!/^[01]+$/.test(row))
      throw new UsageError(
        `"${row}" is no row of bits; give rows of 0 and 1 with spaces between, or an example such as test:0.`,
      );
  return rows.map((row) => [...row].map(Number));
}

/** `3 1.5 -2` as numbers. @throws UsageError for anything else */
export function numbersOf(input: string): number[] {
  return input
    .trim()
    .split(/[\s,]+/)
    .map((text) => {
      const value = Number(text);
      if (text === "" || Number.isNaN(value))
        throw new UsageError(
          `"${text}" is not a number; give numbers with spaces between, or an example such as test:0.`,
        );
      return value;
    });
}

/** The pixels of an image file. @throws UsageError where it cannot be read */
async function readImageFile(name: string, size: readonly [number, number]) {
  const bytes = await readFile(name).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(
      `cannot read "${name}": ${error.code === "ENOENT" ? "there is no such image; give a file, or an example of the run's data such as test:0" : error.message}.`,
    );
  });
  await assertImage(bytes, name);
  return readImage(bytes, size, name);
}
