import { realpathSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";
import { UsageError } from "../core/index.js";

/**
 * A path inside a folder that the studio may use. Names with separators or dots that lead out, and links that do, are
 * refused, whether or not something is there.
 * @throws UsageError
 */
export function inside(folder: string, ...names: readonly string[]): string {
  const path = resolve(folder, ...names);
  const refused = new UsageError(
    `"${names.join("/")}" is not inside ${folder}; the studio uses nothing outside it.`,
  );
  const within = (base: string, target: string) => {
    const way = relative(base, target);
    return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && resolve(base, way) === target;
  };
  if (names.some((name) => name.includes("\0")) || !within(resolve(folder), path)) throw refused;
  let real: string;
  try {
    real = realpathSync(path);
  } catch {
    return path;
  }
  if (!within(realpathSync(folder), real)) throw refused;
  return join(path);
}
