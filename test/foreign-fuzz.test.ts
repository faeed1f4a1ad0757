import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decodeTrace } from "../src/attention/index.js";
import { RegardError, toBase64 } from "../src/core/index.js";
import { besideOf } from "../src/foreign/beside.node.js";
import { ForeignSubject } from "../src/service/index.js";
import { openOnnx } from "../src/session/node.js";
import type { Field, FieldValue } from "../src/task/index.js";
import { mainPicture, pictureSvg, picturesOf } from "../src/views/index.js";
import { BESIDE, BESIDE_NUMBERS, mutated, SECRET, SEEDS } from "./foreign-mutations.js";

// Files that are damaged, or made to do harm: each is opened and asked, or ends in one sentence. `REGARD_MUTATIONS=10000` tries more.

const COUNT = Number(process.env.REGARD_MUTATIONS ?? 300);
const FROM = Number(process.env.REGARD_MUTATIONS_FROM ?? 0);
/** Bytes of memory that this process may come to. */
const MOST_MEMORY = 1.5 * 2 ** 30;

let root: string;
let path: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "regard-fuzz-"));
  const folder = join(root, "theirs");
  mkdirSync(join(folder, "folder"), { recursive: true });
  path = join(folder, "theirs.onnx");
  const secret = join(root, "secret.bin");
  writeFileSync(
    secret,
    Float32Array.from({ length: 4096 }, () => SECRET),
  );
  writeFileSync(
    join(folder, BESIDE),
    Float32Array.from({ length: BESIDE_NUMBERS }, (_, index) => index / 64),
  );
  symlinkSync(secret, join(folder, "link.bin"));
});

afterAll(() => rmSync(root, { recursive: true }));

const problems: string[] = [];
/** One sentence: nothing but what can be printed in a line, of a length that one reads. */
const isSentence = (message: string): boolean =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  /^[^\u0000-\u001f\u007f]+\.$/.test(message) && message.length <= 1000;

/** What a field is filled with: what the file before the change was, in the form that is asked for now. */
function filled(field: Field, fields: Readonly<Record<string, readonly number[]>>): FieldValue {
  if (field.kind !== "image") return [...(fields[field.name] ?? [1, 2, 3, 4, 5])];
  const [height, width] = field.size;
  const count = Math.min(width * height * field.channels, 2 ** 22);
  const data = toBase64(Uint8Array.from({ length: count }, (_, index) => (index * 37) % 256));
  return { width, height, data };
}

async function tried(number: number): Promise<"answered" | "refused"> {
  const { seed, change, bytes } = mutated(number);
  const where = `${number} ${seed.name} ${change}`;
  let subject: ForeignSubject | undefined;
  try {
    subject = ForeignSubject.open(bytes, "theirs.onnx", openOnnx, { beside: besideOf(path) });
    const { about, form } = subject;
    const fields = Object.fromEntries(form.map((field) => [field.name, filled(field, seed.fields)]));
    const answer = await subject.ask(fields);
    if (JSON.stringify([about, answer]).includes(String(SECRET)))
      problems.push(`${where}: read what lies outside`);
    const trace = decodeTrace(answer.trace);
    const picture = mainPicture(picturesOf(trace));
    if (picture && change === "name") {
      const drawn = pictureSvg(trace, picture, { title: about.file });
      if (/<script|onload=alert/.test(drawn)) problems.push(`${where}: markup in a picture`);
    }
    if (number % 5 === 0) await subject.explain(fields);
    // Of one number a gradient is taken, for which the graph is imported.
    const given = about.outputs.find(({ type }) => type === "float32");
    if (number % 5 === 1 && given) await subject.explain(fields, { output: `${given.name}:0` });
    return "answered";
  } catch (error) {
    const { message, stack } = error as Error;
    if (!(error instanceof RegardError)) problems.push(`${where}: ${stack?.slice(0, 600)}`);
    else if (!isSentence(message))
      problems.push(`${where}: no sentence: ${JSON.stringify(message.slice(0, 300))}`);
    return "refused";
  } finally {
    await subject?.release();
  }
}

test("files that nothing was done to are answered", async () => {
  for (const { name, bytes, fields } of SEEDS) {
    const subject = ForeignSubject.open(bytes, `${name}.onnx`, openOnnx, { beside: besideOf(path) });
    const { trace } = await subject.ask(
      Object.fromEntries(subject.form.map((field) => [field.name, filled(field, fields)])),
    );
    expect([name, decodeTrace(trace).looks.length]).toEqual([name, name === "encoder" ? 3 : 1]);
    await subject.release();
  }
});

test(`${COUNT} files that are damaged or made to do harm end in an answer or one sentence`, async () => {
  const counts = { answered: 0, refused: 0 };
  for (let number = FROM; number < FROM + COUNT; number++) counts[await tried(number)]++;
  expect(problems).toEqual([]);
  // Both happen, or nothing was tried.
  expect(counts.answered).toBeGreaterThan(COUNT / 20);
  expect(counts.refused).toBeGreaterThan(COUNT / 5);
  expect(process.resourceUsage().maxRSS * 1024).toBeLessThan(MOST_MEMORY);
}, 3_600_000);

test("a graph of very many nodes is refused before it fills the memory", () => {
  const field = (number: number, bytes: Uint8Array) => {
    const length: number[] = [];
    for (let rest = bytes.length; ; rest >>>= 7) {
      length.push((rest & 127) | (rest > 127 ? 128 : 0));
      if (rest <= 127) break;
    }
    return Buffer.concat([Uint8Array.of((number << 3) | 2, ...length), bytes]);
  };
  // A node that has nothing but the name of what it does.
  const node = field(1, field(4, Buffer.from("Relu")));
  const bytes = field(7, Buffer.alloc(node.length * (COUNT > 1000 ? 1_000_000 : 250_000), node));
  expect(() => ForeignSubject.open(bytes, "theirs.onnx", openOnnx)).toThrow(
    /^theirs\.onnx has more than 200000 nodes, which is no model to look into\.$/,
  );
});
