import { hashString, UsageError } from "../../core/index.js";
import { wordsAlone } from "../text.js";
import { type BadLines, problemOfText } from "./pairs.js";

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
    if (name.trim() === "") bad.found(`${where}: the name of the image is empty; fill it in`);
    else {
      const [words] = bad.words([caption], where, wordsAlone) ?? [];
      if (words?.length === 0) bad.found(`${where}: the caption of "${name}" has no words; fill it in`);
      else if (words) addTo(found, name, words);
    }
  }
  return found;
}

/**
 * The captions of a COCO file: `images` with `id` and `file_name`, `annotations` with `image_id` and `caption`.
 * @throws UsageError naming what is missing, or is there twice
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
  const names = new Map<unknown, { readonly name: unknown; readonly place: number }>();
  const ids = new Map<unknown, unknown>();
  for (const [index, image] of images.entries()) {
    const [id, name] = [image?.id, image?.file_name];
    const known = names.get(id);
    // An id or a file name that is there twice would give one image the captions of another.
    const twice =
      known !== undefined && known.name !== name
        ? `id ${JSON.stringify(id)} is that of image ${known.place} too, "${known.name}"; give each image an id of its own`
        : ids.has(name) && ids.get(name) !== id
          ? `"${name}" is the file of the image with id ${JSON.stringify(ids.get(name))} too; give each image a file of its own`
          : undefined;
    if (twice !== undefined) {
      bad.found(`${path}, image ${index + 1}: ${twice}`);
      // With neither known, the captions of neither are used.
      if (known) names.set(id, { name: undefined, place: known.place });
      continue;
    }
    names.set(id, { name, place: index + 1 });
    ids.set(name, id);
  }
  return annotations.flatMap((annotation, index): RawCaption[] => {
    const where = `${path}, annotation ${index + 1}`;
    const name = names.get(annotation?.image_id)?.name;
    const caption = annotation?.caption;
    const problem =
      typeof name !== "string"
        ? `there is no image with id ${JSON.stringify(annotation?.image_id)} in "images"; add it`
        : typeof caption !== "string"
          ? 'there is no "caption"; fill it in'
          : problemOfText(caption);
    if (problem === undefined) return [{ name: name as string, caption, where }];
    bad.found(`${where}: ${problem}`);
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
