import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, relative, resolve, sep } from "node:path";
import { ForeignError } from "./error.js";
import type { ReadBeside } from "./graph.js";

/** Reads what a model keeps in other files, which must lie in the model's own folder, links followed. */
export function besideOf(path: string): ReadBeside {
  const name = basename(path);
  return (location, offset, length) => {
    const refused = new ForeignError(
      `${name} keeps weights in "${location}", which is not inside its own folder; nothing outside it is read.`,
    );
    if (location.includes("\0") || isAbsolute(location)) throw refused;
    const folder = realpathSync(dirname(resolve(path)));
    const within = (target: string) => {
      const way = relative(folder, target);
      return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
    };
    if (!within(resolve(folder, location))) throw refused;
    let real: string;
    try {
      real = realpathSync(resolve(folder, location));
    } catch {
      throw new ForeignError(
        `${name} keeps weights in "${location}", which is not there; put it beside the file.`,
      );
    }
    if (!within(real)) throw refused;
    // What is no file, such as a pipe, must not be waited for.
    const file = openSync(real, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const stats = fstatSync(file);
      const wanted = length ?? stats.size - offset;
      if (!stats.isFile() || !(wanted >= 0) || offset + wanted > stats.size)
        throw new ForeignError(
          `${name} keeps ${wanted} bytes at ${offset} of "${location}", which has ${stats.size}; get both files again.`,
        );
      const bytes = new Uint8Array(wanted);
      for (let done = 0; done < wanted; ) {
        const read = readSync(file, bytes, done, wanted - done, offset + done);
        if (read === 0)
          throw new ForeignError(`"${location}" ended while it was read; get both files again.`);
        done += read;
      }
      return bytes;
    } finally {
      closeSync(file);
    }
  };
}
