import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openStudio, type Studio } from "./studio.js";

test("of studios that are opened on the same runs at the same moment one opens", async () => {
  const folder = await mkdtemp(join(tmpdir(), "regard-studios-"));
  const options = {
    port: 0,
    host: "127.0.0.1",
    runs: folder,
    data: join(folder, "data"),
    pages: folder,
    program: "none",
  };
  const all = await Promise.allSettled(Array.from({ length: 5 }, () => openStudio(options)));
  const opened = all.filter((one): one is PromiseFulfilledResult<Studio> => one.status === "fulfilled");
  expect(opened).toHaveLength(1);
  for (const one of all)
    if (one.status === "rejected")
      expect((one.reason as Error).message).toBe(
        `another studio is being opened on ${folder} at this moment; use that one, or give other --runs.`,
      );
  expect(await readdir(folder)).toEqual([".studio.json"]);
  await opened[0]!.value.close();
  expect(await readdir(folder)).toEqual([]);
  await rm(folder, { recursive: true });
});
