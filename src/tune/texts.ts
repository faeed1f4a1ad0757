import { hashString, UsageError } from "../core/index.js";

/** A text, or two, and what it is. */
export interface LabelledText {
  readonly label: string;
  readonly texts: readonly string[];
}

/** The texts of a table's lines, `label TAB text` or `label TAB text TAB text`. @throws UsageError naming the line that is none */
export function labelledTexts(content: string, path: string): LabelledText[] {
  const found: LabelledText[] = [];
  let columns: number | undefined;
  for (const [index, line] of content.split(/\r?\n/).entries()) {
    if (line.trim() === "") continue;
    const [label, ...texts] = line.split("\t").map((cell) => cell.trim());
    const where = `${path}, line ${index + 1}`;
    if (label === "" || texts.length === 0 || texts.length > 2 || texts.includes(""))
      throw new UsageError(
        `${where} has ${texts.length + 1} columns, some perhaps empty, but takes a label and one text or two, with tabs between.`,
      );
    columns ??= texts.length;
    if (texts.length !== columns)
      throw new UsageError(
        `${where} has ${texts.length} texts, but those above have ${columns}; give as many in each line.`,
      );
    found.push({ label: label!, texts });
  }
  if (found.length === 0) throw new UsageError(`"${path}" holds no texts; give label TAB text, a line each.`);
  return found;
}

/** What texts are, in the order of the alphabet. @throws UsageError where they are all the same */
export function labelsOf(texts: readonly LabelledText[]): string[] {
  const labels = [...new Set(texts.map(({ label }) => label))].sort();
  if (labels.length < 2)
    throw new UsageError(`every text is "${labels[0]}"; to tell classes apart there must be two of them.`);
  return labels;
}

/** @throws UsageError naming a label that training does not have */
export function assertKnown(texts: readonly LabelledText[], labels: readonly string[], split: string): void {
  const other = texts.find(({ label }) => !labels.includes(label));
  if (other)
    throw new UsageError(
      `the ${split} texts have the label "${other.label}", but training has ${labels.map((one) => `"${one}"`).join(", ")}.`,
    );
}

/** One text in this many goes to each of validation and test. */
const SHARE = 10;

/** Texts of one table in three parts, by what they say: a text that is there twice is in one part. */
export function parted(
  texts: readonly LabelledText[],
): Record<"train" | "validation" | "test", LabelledText[]> {
  const parts = { train: [] as LabelledText[], validation: [] as LabelledText[], test: [] as LabelledText[] };
  for (const one of texts) {
    const slot = hashString(`text ${one.texts.join("\t")}`) % SHARE;
    parts[slot === 0 ? "test" : slot === 1 ? "validation" : "train"].push(one);
  }
  return parts;
}
