import { hashString, UsageError } from "../../core/index.js";
import { plainWords } from "../text.js";
import type { BadLines } from "./pairs.js";

/** The words of a caption as models read them: in lower case, without punctuation. */
export const captionWords = (text: string): string[] =>
  plainWords(text.toLowerCase()).filter((word) => /[\p{L}\p{N}]/u.test(word));

/** Captions of images by the images' names. */
export type CaptionsByName = ReadonlyMap<string, readonly (readonly string[])[]>;

/** A caption as a file has it, with where it stands there. */
export interface RawCaption {
  readonly name: string;
  readonly caption: string;
  readonly where: string;
}

/** Adds to what a name has already. */
export function addTo<Item>(found: Map<string, Item[]>, name: string, item: Item): void {
  const known = found.get(name);
  if (known) known.push(item);
  else found.set(name, [item]);
}

/** Captions by image, those without words left out. @throws UsageError for one without words, unless those are skipped */
export function captionsByName(raw: readonly RawCaption[], bad: BadLines): CaptionsByName {
  const found = new Map<string, string[][]>();
  for (const { name, caption, where } of raw) {
    const words = captionWords(caption);
    if (name.trim() === "") bad.found(`${where}: the name of the image is empty; fill it in`);
    else if (words.length === 0) bad.found(`${where}: the caption of "${name}" has no words; fill it in`);
    else if (bad.fits([caption], where)) {
      addTo(found, name, words);
    }
  }
  return found;
}

/**
 * The captions of a COCO file: `images` with `id` and `file_name`, `annotations` with `image_id` and `caption`.
 * @throws UsageError naming what is missing
 */
export function captionsOfCoco(text: string, path: string, bad: BadLines): RawCaption[] {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`"${path}" is no JSON (${(error as Error).message}); give a COCO captions file.`);
  }
  const { images, annotations } = (content ?? {}) as Record<string, unknown>;
  if (!Array.isArray(images) || !Array.isArray(annotations))
    throw new UsageError(
      `"${path}" has no lists "images" and "annotations"; give a COCO captions file, such as captions_train2017.json.`,
    );
  const names = new Map(images.map((image) => [image?.id, image?.file_name]));
  return annotations.flatMap((annotation, index): RawCaption[] => {
    const where = `${path}, annotation ${index + 1}`;
    const name = names.get(annotation?.image_id);
    if (typeof name === "string" && typeof annotation?.caption === "string")
      return [{ name, caption: annotation.caption, where }];
    bad.found(
      typeof name === "string"
        ? `${where}: there is no "caption"; fill it in`
        : `${where}: there is no image with id ${JSON.stringify(annotation?.image_id)} in "images"; add it`,
    );
    return [];
  });
}

/** One image in this many goes to `test`, and one to `validation`, where no lists say otherwise. */
const SHARE = 20;

/** The split of an image where nothing else says: a function of its name. */
export function splitOfName(name: string): "train" | "validation" | "test" {
  const slot = hashString(`image ${name}`) % SHARE;
  return slot === 0 ? "test" : slot === 1 ? "validation" : "train";
}
