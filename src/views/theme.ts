/** Colours of a picture. Weights are drawn as `ink` at an opacity equal to the weight, which is even in lightness. */
export interface Theme {
  readonly background: string;
  readonly text: string;
  readonly faint: string;
  readonly line: string;
  /** A blue that is told from its background with every kind of colour vision. */
  readonly ink: string;
  /** An orange for what is below 0, told from `ink` with every kind of colour vision. */
  readonly against: string;
}

/** Colours on a light page, and on paper. */
export const light: Theme = {
  background: "#ffffff",
  text: "#1b1f24",
  faint: "#656d76",
  line: "#d8dee4",
  ink: "#0b4f9e",
  against: "#c2500b",
};

/** Colours on a dark page. */
export const dark: Theme = {
  background: "#14171c",
  text: "#e8ebef",
  faint: "#9aa4b0",
  line: "#343b45",
  ink: "#6db3ff",
  against: "#ff9d5c",
};

/** Colours that are told apart with every kind of colour vision (Okabe & Ito 2008); shapes differ as well. */
export const SERIES = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"] as const;

/** Fonts by preference; the last is what pictures are rendered with where no system font is wanted. */
export const FONT = "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif";

/** The width of a text in pixels, near enough to lay out labels without a font at hand. */
export const textWidth = (text: string, size: number): number =>
  [...text].reduce(
    (sum, letter) => sum + (/[iljtf.,'|!¡]/.test(letter) ? 0.34 : /[mwMW]/.test(letter) ? 0.92 : 0.62),
    0,
  ) * size;

/** A text in lines of at most `width` pixels, as far as its words allow. */
export function linesOf(text: string, size: number, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && textWidth(longer, size) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
