/**
 * Colours of maps over an image: nine of plasma's (van der Walt & Smith 2015, CC0), whose lightness rises evenly from dark blue to
 * yellow, so that the order of values is seen with every kind of colour vision and in grey. Between them colours are mixed.
 */
const STOPS = [
  [0x0d, 0x08, 0x87],
  [0x4c, 0x02, 0xa1],
  [0x7e, 0x03, 0xa8],
  [0xaa, 0x23, 0x95],
  [0xcc, 0x47, 0x78],
  [0xe6, 0x6c, 0x5c],
  [0xf8, 0x95, 0x40],
  [0xfd, 0xc5, 0x27],
  [0xf0, 0xf9, 0x21],
] as const;

export type Rgb = readonly [red: number, green: number, blue: number];

/** The colour of a value, 0 to 1; channels from 0 to 255. */
export function mapColour(share: number): Rgb {
  const at = Math.min(1, Math.max(0, share)) * (STOPS.length - 1);
  const low = Math.min(STOPS.length - 2, Math.floor(at));
  const mix = (channel: 0 | 1 | 2) =>
    Math.round(STOPS[low]![channel] + (STOPS[low + 1]![channel] - STOPS[low]![channel]) * (at - low));
  return [mix(0), mix(1), mix(2)];
}

/** The share of the greatest value from which on a map covers its image fully; below it the image shows through more and more. */
const FULL = 0.35;

/** How much a value covers its image, 0 to 1: what has no value is not covered. */
export const mapCover = (share: number): number => Math.min(1, Math.max(0, share) / FULL);

export const hex = (colour: Rgb): string =>
  `#${colour.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;
