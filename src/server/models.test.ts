import { afterEach, expect, test } from "vitest";
import { Models } from "./models.js";

const { execPath } = process;
afterEach(() => {
  process.execPath = execPath;
});

test("a process that cannot be made ends in a sentence, and the next question tries again", async () => {
  const models = new Models();
  process.execPath = "/nowhere/node";
  for (let count = 0; count < 6; count++)
    await expect(models.ask({ name: "export", folder: `run ${count}` })).rejects.toThrow(
      /^the process that holds? the model (has failed: spawn .*ENOENT|is gone; ask again)\.$/,
    );
  models.close();
});
