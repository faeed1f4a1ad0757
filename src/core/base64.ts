import { RegardError } from "./errors.js";

/** Letters that are made of bytes at once: a call takes only so many arguments. */
const AT_ONCE = 8192;

/** Bytes as base64. */
export function toBase64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let start = 0; start < bytes.length; start += AT_ONCE)
    // Several times as fast as spreading them.
    parts.push(
      String.fromCharCode.apply(null, bytes.subarray(start, start + AT_ONCE) as unknown as number[]),
    );
  return btoa(parts.join(""));
}

/** The bytes of a base64 text. @throws RegardError where it is none */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  let letters: string;
  try {
    letters = atob(text);
  } catch {
    throw new RegardError(`"${text.slice(0, 20)}…" should be base64, but has other letters or is cut off.`);
  }
  const bytes = new Uint8Array(letters.length);
  for (let index = 0; index < bytes.length; index++) bytes[index] = letters.charCodeAt(index);
  return bytes;
}
