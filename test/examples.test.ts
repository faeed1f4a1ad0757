import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { regard } from "./command.js";

// The programs of examples/, as their readers run them. `page.html` is tried where the guide is, in studio.test.ts.

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regard-examples-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** What an example prints. */
function example(name: string, ...args: string[]): Promise<string> {
  const program = fileURLToPath(new URL(`../dist/examples/${name}.js`, import.meta.url));
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args]);
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      err += chunk;
    });
    child.on("close", (code) => (code === 0 ? resolve(out) : reject(new Error(err))));
  });
}

test("a classifier finds out which symbol decides", async () => {
  const out = await example("classify");
  const [, right, looked] = /(\d+) of 32 unseen sequences are named rightly; .* decides in (\d+)\./.exec(
    out,
  )!;
  expect(Number(right)).toBeGreaterThanOrEqual(31);
  expect(Number(looked)).toBeGreaterThanOrEqual(31);
});

test("a mechanism of one's own weighs by the cosine, and has a gradient", async () => {
  const out = await example("mechanism");
  const cosines = [1, 0, -1, Math.SQRT1_2];
  const shares = cosines.map((cosine) => Math.exp(Math.E * cosine));
  const total = shares.reduce((a, b) => a + b, 0);
  expect(out).toContain(`It looks by ${shares.map((share) => (share / total).toFixed(3)).join(", ")}.`);
  // The loss is |Σ α x|² with x in two axes; its derivative by the logarithm of the strength, by differences.
  const places = [
    [2, 0],
    [0, 1],
    [-1, 0],
    [1, 1],
  ] as const;
  const loss = (logarithm: number) => {
    const weights = cosines.map((cosine) => Math.exp(Math.exp(logarithm) * cosine));
    const sum = weights.reduce((a, b) => a + b, 0);
    return [0, 1]
      .map((axis) => weights.reduce((all, weight, place) => all + (weight / sum) * places[place]![axis]!, 0))
      .reduce((all, value) => all + value ** 2, 0);
  };
  const slope = (loss(1 + 1e-5) - loss(1 - 1e-5)) / 2e-5;
  expect(out).toContain(`The slope by its strength is ${slope.toFixed(3)}.`);
});

test("sentence pairs of one's own are translated, and the run is explained", async () => {
  const things = { cat: "gata", cow: "vaca", house: "casa", chair: "silla", apple: "manzana", table: "mesa" };
  const colours = { red: "roja", white: "blanca", black: "negra", yellow: "amarilla" };
  const lines = Object.entries(things).flatMap(([thing, cosa]) =>
    Object.entries(colours).flatMap(([colour, color]) => [
      `the ${colour} ${thing}\tla ${cosa} ${color}`,
      `a ${colour} ${thing}\tuna ${cosa} ${color}`,
      `my ${colour} ${thing}\tmi ${cosa} ${color}`,
    ]),
  );
  const [table, run] = [join(folder, "pairs.tsv"), join(folder, "translated")];
  await writeFile(table, `${lines.join("\n")}\n`);
  const out = await example("translate", table, run, "my white house");
  expect(out).toContain("step 300: validation loss");
  expect(out).toContain("mi casa blanca\n");
  expect(out).toMatch(/\nblanca looks at \S+\n/);
  const explained = await example("explain", run, "my white house");
  expect(explained).toContain("mi casa blanca\n");
  expect(explained).toMatch(/attention and (causal )?effect: rank correlation/);
  await expect(example("translate")).rejects.toThrow("give a table, a new folder and a sentence");
}, 60_000);

test("a folder of images is captioned", async () => {
  const images = join(folder, "scenes");
  expect((await regard(["data", "make", "scenes", "--out", images, "--limit", "16", "--json"])).code).toBe(0);
  const out = await example("caption", images, join(folder, "captioned"));
  expect(out).toMatch(
    /^It writes “.*”; people wrote “.+”\.\nFor each of its \d+ words it weighed 64 places\.\n$/,
  );
}, 60_000);
