import { execFile, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Random } from "../src/core/index.js";
import { main, regard, small } from "./command.js";

let folder: string;
let table: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regard-reliability-"));
  table = join(folder, "pairs.tsv");
  const random = new Random(3, "words");
  const words = ["red", "green", "blue", "old", "new", "big", "house", "tree", "river", "sings", "runs"];
  const lines = Array.from({ length: 400 }, (_, index) => {
    const source = Array.from({ length: 3 + (index % 5) }, () => random.pick(words));
    return `${source.join(" ")} ${index}\t${[...source].reverse().join(" ")}\n`;
  });
  await writeFile(table, lines.join(""));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const STEPS = 150;
const LAST = `checkpoint-${String(STEPS).padStart(8, "0")}.safetensors`;
const training = (path: string) => [
  ...["train", "rnnsearch", ...small, "--data", table, "--steps", String(STEPS)],
  ...["--validate-every", "3", "--out", path],
];

/** Runs the command line and kills it so many milliseconds after its run folder is there. */
function killed(args: readonly string[], path: string, milliseconds: number): Promise<"killed" | "done"> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [main, ...args], { stdio: "ignore" });
    let timer: NodeJS.Timeout | undefined;
    const watch = setInterval(() => {
      if (!existsSync(join(path, "run.json")) || timer) return;
      timer = setTimeout(() => child.kill("SIGKILL"), milliseconds);
    }, 2);
    child.on("close", (code) => {
      clearInterval(watch);
      clearTimeout(timer);
      resolve(code === 0 ? "done" : "killed");
    });
  });
}

test("a run that is killed again and again ends in the same bytes as one that is not", async () => {
  const whole = join(folder, "whole");
  expect((await regard(training(whole))).code).toBe(0);
  const path = join(folder, "killed");
  const random = new Random(5, "kills");
  let kills = 0;
  let state = await killed(training(path), path, 400 * random.uniform());
  while (state === "killed") {
    kills++;
    expect(kills, "the run never got to its end").toBeLessThan(40);
    // What was there when it died is either whole or not there at all.
    const files = await readdir(path);
    expect(files).toContain("run.json");
    state =
      kills < 6
        ? await killed(["train", "--resume", path], path, 500 + 400 * random.uniform())
        : (await regard(["train", "--resume", path])).code === 0
          ? "done"
          : "killed";
  }
  expect(kills).toBeGreaterThan(1);
  expect((await readFile(join(path, LAST))).equals(await readFile(join(whole, LAST)))).toBe(true);
  const steps = async (run: string) =>
    (await readFile(join(run, "metrics.jsonl"), "utf8"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).step);
  expect(await steps(path)).toEqual(await steps(whole));
}, 120_000);

test("memory stays flat over 2,000 training steps and 2,000 predictions", async () => {
  const script = fileURLToPath(new URL("memory.mjs", import.meta.url));
  // The C library's allocator would keep freed pages for later, more of them at some times than at others.
  const env = {
    ...process.env,
    MALLOC_ARENA_MAX: "1",
    MALLOC_MMAP_THRESHOLD_: "65536",
    MALLOC_TRIM_THRESHOLD_: "65536",
  };
  const { stdout } = await promisify(execFile)(process.execPath, ["--expose-gc", script, "2000"], { env });
  const { training: trained, predicting } = JSON.parse(stdout) as Record<string, number[]>;
  for (const [what, measured] of Object.entries({ trained, predicting })) {
    expect(measured).toHaveLength(10);
    // The first tenth warms up: arenas grow to the longest batch, code is compiled. Garbage comes and goes, so the least
    // of each half is compared: a leak of 16 KiB a step would lift it by 16 MiB.
    const growth = Math.min(...measured!.slice(5)) - Math.min(...measured!.slice(1, 5));
    expect(growth, `${what}: ${measured!.map((value) => value.toFixed(0)).join(", ")} MiB`).toBeLessThan(16);
  }
}, 180_000);

/** Whether this machine lets a process have a file system of its own; with the arguments that give one. */
const unshare = [["-m"], ["-U", "-r", "-m"]].find(
  (options) =>
    spawnSync("unshare", [...options, "sh", "-c", "mount -t tmpfs none /mnt"], { stdio: "ignore" }).status ===
    0,
);

test.skipIf(!unshare)(
  "a full disk stops training with a sentence, and what was saved can be resumed",
  async () => {
    const disk = join(folder, "disk");
    await mkdir(disk);
    const kept = join(folder, "kept");
    // Room for two checkpoints, not for three; what is on the disk is copied out before it goes.
    const script = `mount -t tmpfs -o size=$SIZE none ${disk} && "$@"; code=$?; cp -r ${disk} ${kept}; exit $code`;
    const onDisk = (size: string, args: string[]) =>
      spawnSync("unshare", [...unshare!, "sh", "-c", script, "sh", process.execPath, main, ...args], {
        encoding: "utf8",
        env: { ...process.env, SIZE: size, NO_COLOR: "1" },
      });
    const full = onDisk("400k", training(join(disk, "run")));
    expect(full.stderr).toMatch(
      /regard: cannot write .*checkpoint-\d+\.safetensors: ENOSPC: .*; free some space or choose another folder\.$/m,
    );
    expect(full.stderr).toContain("The last good checkpoint is kept in");
    expect(full.status).toBe(1);
    expect((await readdir(join(kept, "run"))).filter((name) => name.endsWith(".partial"))).toEqual([]);
    const resumed = await regard(["train", "--resume", join(kept, "run"), "--json"]);
    expect(resumed.code, resumed.err).toBe(0);
    expect(JSON.parse(resumed.out).steps).toBe(STEPS);
    await rm(kept, { recursive: true });
    const none = onDisk("4k", training(join(disk, "run")));
    expect(none.stderr).toMatch(/^regard: cannot make the run ".*": .*ENOSPC/m);
    expect(none.status).toBe(1);
    expect(await readdir(kept)).toEqual([]);
  },
  120_000,
);
