// npm run exhibits [-- NAME …]: trains the small models that the studio's first page and its tour show, and writes them, with their
// hashes, to studio/public/exhibits. One seed each: the same command on the same kind of machine gives the same file.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zipSync } from "fflate";
import { checkpointName, encodeSafetensors, PREPARED_FILE } from "../dist/train/index.js";
import { RunFolder } from "../dist/train/run-folder.node.js";
import { root } from "./setup.mjs";

/** What is trained for each exhibit, as `regard train` has it. */
const EXHIBITS = {
  alignment:
    "rnnsearch --steps 15000 --set embedding=32 --set hidden=56 --set alignment=32 --set maxout=32 --set attention=additive",
  summary: "rnn-encoder-decoder --steps 15000 --set embedding=32 --set hidden=72 --set maxout=32",
  glimpses:
    "ram --data digits --steps 12000 --learning-rate 0.001 --set hidden=80 --set glimpses=6 --set reward=right",
  memory: "neural-turing-machine --data copy --steps 6000 --set hidden=64 --set places=64 --set strength=0",
  heads: "transformer --steps 15000 --set features=32 --set inner=64 --set dropout=0",
  windows: "draw --data digits --steps 12000 --set hidden=64 --set latent=8",
};

const names = process.argv.slice(2);
const folder = join(root, "studio/public/exhibits");
const list = join(folder, "exhibits.json");
mkdirSync(folder, { recursive: true });
const read = () => {
  try {
    return JSON.parse(readFileSync(list, "utf8"));
  } catch {
    return {};
  }
};
for (const [name, options] of Object.entries(EXHIBITS)) {
  if (names.length > 0 && !names.includes(name)) continue;
  const place = mkdtempSync(join(tmpdir(), "regard-exhibit-"));
  const out = join(place, name);
  const args = [
    "train",
    ...options.split(" "),
    "--seed",
    "1",
    "--threads",
    "1",
    "--validate-every",
    "1500",
    "--out",
    out,
  ];
  const { status } = spawnSync(process.execPath, [join(root, "dist/cli/main.js"), ...args], {
    stdio: "inherit",
  });
  if (status !== 0) process.exit(status ?? 1);
  const run = await RunFolder.open(out);
  const { step, tensors, metadata } = await run.bestCheckpoint(() => {});
  // Nothing goes on from here: what the optimizer remembers stays behind.
  const kept = Object.fromEntries(Object.entries(tensors).filter(([key]) => !key.startsWith("optimizer.")));
  const text = (file) => readFileSync(join(out, file), "utf8");
  const validations = text("metrics.jsonl")
    .split("\n")
    .filter((line) => line.includes('"validation"'));
  const { settings, created: _, ...about } = JSON.parse(text("run.json"));
  const bytes = (value) => new TextEncoder().encode(value);
  const archive = zipSync(
    {
      "run.json": bytes(JSON.stringify({ ...about, created: "2026-01-01T00:00:00.000Z", settings })),
      [PREPARED_FILE]: bytes(JSON.stringify(run.prepared)),
      "state.json": bytes(JSON.stringify({ state: "done", pid: 0 })),
      "metrics.jsonl": bytes(`${validations.join("\n")}\n`),
      [checkpointName(step)]: encodeSafetensors(kept, metadata),
    },
    { level: 9, mtime: "2026-01-01" },
  );
  writeFileSync(join(folder, `${name}.zip`), archive);
  const entry = {
    trained: `regard train ${options} --seed 1`,
    sha256: createHash("sha256").update(archive).digest("hex"),
    bytes: archive.length,
  };
  writeFileSync(list, `${JSON.stringify({ ...read(), [name]: entry }, undefined, 2)}\n`);
  console.log(`${name}: ${archive.length} bytes`);
  rmSync(place, { recursive: true });
}
