import { encode } from "fast-png";
import { toBase64 } from "./base64.js";

/** Pixels, grey, coloured or with an opacity, as the address of a PNG that holds them, for pictures and pages. */
export function pngUrl({
  width,
  height,
  data,
}: {
  readonly width: number;
  readonly height: number;
  /** [height, width, channels], of 1 to 4 channels. */
  readonly data: Uint8Array;
}): string {
  const channels = data.length / (width * height);
  const bytes = encode({ width, height, data, channels, depth: 8 });
  return `data:image/png;base64,${toBase64(bytes)}`;
}
