import { execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Random } from "../src/core/index.js";
import { RunFolder } from "../src/train/run-folder.node.js";
import { main, regard, small, spawned } from "./command.js";

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

describe("who holds a run", () => {
  const stateOf = (run: string) => readFile(join(run, "state.json"), "utf8").then(JSON.parse);
  const begin = async (name: string) => {
    const run = join(folder, name);
    const result = await regard([
      ...training(run).slice(0, -4),
      "--steps",
      "6",
      "--validate-every",
      "3",
      "--out",
      run,
    ]);
    expect(result.code, result.err).toBe(0);
    return run;
  };

  test.each([-1, 0, 1, process.pid, 4_000_000])("a number %i in state.json is nobody's word", async (pid) => {
    const run = await begin(`pid${pid}`);
    expect(await readdir(run)).not.toContain("run.lock");
    await writeFile(join(run, "state.json"), JSON.stringify({ state: "training", pid }));
    const resumed = await regard(["train", "--resume", run, "--steps", "9", "--json"]);
    expect(resumed.code, resumed.err).toBe(0);
    expect(JSON.parse(resumed.out).steps).toBe(9);
    expect((await stateOf(run)).state).toBe("done");
  });

  test("a lock that a gone process, or one that has its number since, left is none; one of another machine is", async () => {
    const run = await begin("left");
    const lock = join(run, "run.lock");
    let steps = 6;
    for (const left of [
      JSON.stringify({ host: hostname(), pid: process.pid, started: "another start", token: "old" }),
      JSON.stringify({ host: hostname(), pid: 4_000_000, started: "", token: "old" }),
      JSON.stringify({ host: hostname(), pid: 1, started: "", token: "old" }),
      "no lock at all",
      "",
    ]) {
      await writeFile(lock, left);
      steps += 3;
      const resumed = await regard(["train", "--resume", run, "--steps", String(steps)]);
      expect(resumed.code, resumed.err).toBe(0);
    }
    await writeFile(lock, JSON.stringify({ host: "elsewhere", pid: 7, started: "then", token: "theirs" }));
    const refused = await regard(["train", "--resume", run, "--steps", "100"]);
    expect(refused.code).toBe(2);
    expect(refused.err).toContain(
      `"${run}" is being trained on elsewhere, by process 7; stop that first, or remove ${lock} where it is gone.`,
    );
    expect(await readFile(lock, "utf8")).toContain("theirs");
  });

  test("of two that go on with a run at once one is refused, and the run is as if it had gone on once", async () => {
    const run = await begin("twice");
    const whole = await begin("once");
    const more = ["--steps", "90"];
    const both = await Promise.all([1, 2, 3].map(() => spawned(["train", "--resume", run, ...more])));
    const codes = both.map(({ code }) => code).sort();
    expect(codes, both.map(({ err }) => err).join()).toEqual([0, 2, 2]);
    for (const { code, err } of both)
      if (code === 2)
        expect(err).toMatch(/is being trained by process \d+; stop that first, or wait for it\.$/m);
    expect((await regard(["train", "--resume", whole, ...more])).code).toBe(0);
    const bytes = (path: string) => readFile(join(path, "checkpoint-00000090.safetensors"));
    expect((await bytes(run)).equals(await bytes(whole))).toBe(true);
    expect(await readdir(run)).not.toContain("run.lock");
  });

  test("of several that find a broken lock at once, one goes on", async () => {
    const run = await begin("broken");
    await writeFile(join(run, "run.lock"), "no lock at all");
    const all = await Promise.all([1, 2, 3].map(() => spawned(["train", "--resume", run, "--steps", "60"])));
    expect(all.map(({ code }) => code).sort(), all.map(({ err }) => err).join()).toEqual([0, 2, 2]);
  });

  test("a copy of a run that is trained is its owner's: it goes on, and is nobody's to stop", async () => {
    const run = join(folder, "original");
    const args = [...training(run).slice(0, -6), "--steps", "100000", "--validate-every", "3", "--out", run];
    const child = spawn(process.execPath, [main, ...args], { stdio: "ignore" });
    const closed = new Promise<number | null>((resolve) => child.on("close", resolve));
    while (
      !(
        await RunFolder.open(run).then(
          (found) => found.checkpoints(),
          () => [],
        )
      ).length
    )
      await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill("SIGSTOP");
    const copy = join(folder, "copy");
    await cp(run, copy, { recursive: true });
    child.kill("SIGCONT");
    expect(await readdir(copy)).toContain("run.lock");
    expect(await (await RunFolder.open(run)).readState()).toMatchObject({
      state: "training",
      pid: child.pid,
    });
    expect(await (await RunFolder.open(copy)).readState()).toEqual({ state: "stopped" });
    expect(await (await RunFolder.open(run)).isHeld()).toBe(true);
    const resumed = await regard(["train", "--resume", copy, "--steps", "1"]);
    expect(resumed.code, resumed.err).toBe(0);
    expect((await regard(["train", "--resume", run, "--steps", "1"])).code).toBe(2);
    child.kill("SIGINT");
    expect(await closed).toBe(130);
  });

  test.each(["SIGTERM", "SIGHUP"] as const)("%s, sent twice, saves as Ctrl-C does", async (signal) => {
    const run = join(folder, signal);
    const child = spawn(
      process.execPath,
      [main, ...training(run).slice(0, -4), "--steps", "100000", "--out", run],
      {
        stdio: "ignore",
      },
    );
    const closed = new Promise<number | null>((resolve) => child.on("close", resolve));
    while (!existsSync(join(run, "metrics.jsonl"))) await new Promise((resolve) => setTimeout(resolve, 20));
    // A terminal that closes sends one, and its shell another.
    child.kill(signal);
    child.kill(signal);
    await new Promise((resolve) => setTimeout(resolve, 1));
    child.kill(signal);
    expect(await closed).toBe(130);
    expect((await stateOf(run)).state).toBe("stopped");
    expect((await readdir(run)).some((name) => name.endsWith(".safetensors"))).toBe(true);
  });
});

describe("what a run that goes on is told", () => {
  test("options that were settled are refused, one that trains nothing says so, changed data is named", async () => {
    const run = join(folder, "settled");
    const data = join(folder, "settled.tsv");
    const lines = (await readFile(table, "utf8")).trim().split("\n");
    await writeFile(data, lines.join("\n"));
    const args = ["train", "rnnsearch", ...small, "--data", data, "--steps", "6", "--out", run];
    expect((await regard(args)).code).toBe(0);
    const before = await readFile(join(run, "checkpoint-00000006.safetensors"));
    for (const [option, value] of [
      ["--learning-rate", "0.1"],
      ["--batch", "16"],
      ["--data", data],
      ["--set", "hidden=16"],
      ["--seed", "1"],
      ["--out", run],
      ["--validate-every", "3"],
    ] as const) {
      const refused = await regard(["train", "--resume", run, option, value]);
      expect(refused.code, option).toBe(2);
      expect(refused.err).toContain(
        `${option} was settled when ${run} began; leave it out, or begin a new run with it.`,
      );
    }
    const other = await regard(["train", "seq2seq", "--resume", run]);
    expect(other.err).toContain(
      `${run} trains rnnsearch, not seq2seq; leave the model out, or begin a new run.`,
    );
    const nothing = await regard(["train", "rnnsearch", "--resume", run]);
    expect(nothing.code).toBe(0);
    expect(nothing.out).toContain(`Nothing was trained: ${run} has its 6 steps already, at step 6.`);
    expect((await readFile(join(run, "checkpoint-00000006.safetensors"))).equals(before)).toBe(true);
    await writeFile(data, lines.slice(0, -20).join("\n"));
    const changed = await regard(["train", "--resume", run, "--steps", "8"]);
    expect(changed.code, changed.err).toBe(0);
    expect(changed.err).toMatch(
      /The data .*settled\.tsv has changed since the run began: \d+ examples in train in place of \d+/,
    );
  });

  test("a new limit is kept: what goes on after a kill goes as far", async () => {
    const run = join(folder, "further");
    const args = ["train", "rnnsearch", ...small, "--data", table, "--steps", "6", "--validate-every", "3"];
    expect((await regard([...args, "--out", run])).code).toBe(0);
    expect((await regard(["train", "--resume", run, "--steps", "9"])).code).toBe(0);
    const { settings, budgets } = JSON.parse(await readFile(join(run, "run.json"), "utf8"));
    expect(settings.budget).toEqual({ steps: 9 });
    expect(budgets).toEqual([
      { step: 0, budget: { steps: 6 } },
      { step: 6, budget: { steps: 9 } },
    ]);
    const last = join(run, "checkpoint-00000009.safetensors");
    const bytes = await readFile(last);
    await rm(last);
    // A checkpoint that cannot be read, whatever the reason, gives way too.
    await mkdir(join(run, "checkpoint-00000012.safetensors"));
    const resumed = await regard(["train", "--resume", run]);
    expect(resumed.code, resumed.err).toBe(0);
    expect(resumed.err).toMatch(
      /checkpoint-00000012\.safetensors cannot be read: EISDIR.*; using another checkpoint\.$/m,
    );
    expect(resumed.out).toContain("Trained 9 steps");
    expect((await readFile(last)).equals(bytes)).toBe(true);
  });

  test("a damaged newest or best checkpoint gives way to another, for going on and for use", async () => {
    const run = join(folder, "damaged");
    const args = ["train", "rnnsearch", ...small, "--data", table, "--steps", "9", "--validate-every", "3"];
    expect((await regard([...args, "--out", run])).code).toBe(0);
    const newest = join(run, "checkpoint-00000009.safetensors");
    const bytes = await readFile(newest);
    bytes[bytes.length - 1]! ^= 0x40;
    await writeFile(newest, bytes);
    const seen = await regard(["see", run, "red house"]);
    expect(seen.code, seen.err).toBe(0);
    expect(seen.err).toMatch(
      /checkpoint-00000009\.safetensors is not a whole safetensors file: its checksum is \w+, not \w+; using another checkpoint\./,
    );
    const resumed = await regard(["train", "--resume", run, "--steps", "12", "--json"]);
    expect(resumed.code, resumed.err).toBe(0);
    expect(resumed.err).toContain(`Going on with ${run} from step 6.`);
  });
});

test("files are written through links, to pipes and devices, and under the ending of their format", async () => {
  const run = join(folder, "pictures");
  const args = ["train", "rnnsearch", ...small, "--data", table, "--steps", "3"];
  const empty = join(folder, "empty");
  await mkdir(empty);
  await symlink(empty, run);
  expect((await regard([...args, "--out", run])).code).toBe(0);
  expect((await lstat(run)).isSymbolicLink()).toBe(true);
  expect(await readdir(empty)).toContain("run.json");
  const real = join(folder, "real.svg");
  const linked = join(folder, "linked.svg");
  await symlink(real, linked);
  const seen = await regard(["see", run, "red house", "--svg", linked, "--png", "/dev/null"]);
  expect(seen.code, seen.err).toBe(0);
  expect((await lstat(linked)).isSymbolicLink()).toBe(true);
  expect(await readFile(real, "utf8")).toMatch(/^<svg/);
  expect((await lstat("/dev/null")).isCharacterDevice()).toBe(true);
  const piped = execFileSync("sh", [
    "-c",
    '"$@" | cat',
    "sh",
    process.execPath,
    main,
    "see",
    run,
    "red house",
    "--svg",
    "/dev/stdout",
  ]);
  expect(piped.toString()).toMatch(/^<svg[\s\S]*<\/svg>/);
  const hanging = join(folder, "hanging");
  await symlink(join(folder, "to-be-made"), hanging);
  expect((await regard([...args, "--out", hanging])).code).toBe(0);
  expect(await readdir(join(folder, "to-be-made"))).toContain("run.json");
  const refused = await regard(["see", run, "red house", "--svg", join(folder, "x.pdf")]);
  expect(refused.code).toBe(2);
  expect(refused.err).toContain(
    `--svg writes SVG, but the file is called "${join(folder, "x.pdf")}"; call it ${join(folder, "x")}.svg.`,
  );
  const over = await regard(["export", run, "--out", run]);
  expect([over.code, over.err]).toEqual([
    1,
    `regard: cannot write ${run}: it is a folder; give a file's name.\n`,
  ]);
});

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
