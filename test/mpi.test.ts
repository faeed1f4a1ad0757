import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generate } from "../src/data/generate/bilingual/index.js";
import { decodeSafetensors } from "../src/train/index.js";
import { main, type Result, regard, small } from "./command.js";

const launcher = spawnSync("mpirun", ["--version"]).status === 0;
const [WITH, WITHOUT] = ["", " (skipped: no mpirun is installed; Debian's is in openmpi-bin)"];

/** Open MPI asks root, and those who start more processes than there are cores, whether they mean it. */
const environment = (extra: Record<string, string> = {}) => ({
  ...process.env,
  NO_COLOR: "1",
  OMPI_ALLOW_RUN_AS_ROOT: "1",
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1",
  OMPI_MCA_rmaps_base_oversubscribe: "1",
  ...extra,
});

/** Runs the command line as several processes. */
function together(
  size: number,
  args: readonly string[],
  options: {
    /** Signals a process once the run has its first checkpoint: the launcher, or one of those it started. */
    signal?: { to: (launcher: number) => number | undefined; name: NodeJS.Signals; run: string };
    env?: Record<string, string>;
    /** Options that one more process is given, and no other. */
    last?: readonly string[];
  } = {},
): Promise<Result> {
  return new Promise((resolve) => {
    const command = [process.execPath, main, ...args];
    const last = options.last ? [":", "-n", "1", ...command, ...options.last] : [];
    const child = spawn("mpirun", ["-n", String(size), ...command, ...last], {
      env: environment(options.env),
    });
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk) => {
      out += chunk;
    });
    child.stderr.on("data", (chunk) => {
      err += chunk;
    });
    const { signal } = options;
    const timer = setInterval(() => {
      if (!signal || !existsSync(join(folder, signal.run, "checkpoint-00000006.safetensors"))) return;
      const pid = signal.to(child.pid!);
      if (pid === undefined) return;
      clearInterval(timer);
      process.kill(pid, signal.name);
    }, 20);
    child.on("close", (code) => {
      clearInterval(timer);
      resolve({ code, out, err });
    });
  });
}

let folder: string;
let table: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regard-mpi-"));
  table = join(folder, "pairs.tsv");
  const { train } = generate(1, {
    train: 300,
    validation: 1,
    test: 1,
    "test-long": 1,
    "test-combinations": 1,
  });
  await writeFile(
    table,
    Array.from(train, ({ source, target }) => `${source.join(" ")}\t${target.join(" ")}\n`).join(""),
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const training = (name: string, steps = 12) => [
  ...["train", "rnnsearch", ...small, "--data", table, "--seed", "7", "--steps", String(steps)],
  ...["--validate-every", "6", "--out", join(folder, name)],
];
const checkpoint = (name: string, step: number) =>
  readFile(join(folder, name, `checkpoint-${String(step).padStart(8, "0")}.safetensors`));
const losses = async (name: string): Promise<number[]> =>
  (await readFile(join(folder, name, "metrics.jsonl"), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
    .flatMap(({ loss, validation }) => loss ?? validation.loss);

/** Processes that were started by another. */
const childrenOf = (pid: number): number[] =>
  spawnSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" })
    .stdout.trim()
    .split(/\s+/)
    .filter(Boolean)
    .map(Number);

describe.skipIf(!launcher)(
  `processes that mpirun starts${launcher ? WITH : WITHOUT}`,
  { timeout: 180_000 },
  () => {
    test("train as one does with the whole batch, to the byte when repeated, and may go on by themselves", async () => {
      expect((await regard(training("one"))).code).toBe(0);
      const whole = decodeSafetensors(await checkpoint("one", 12)).tensors;
      for (const size of [2, 4]) {
        const name = `of-${size}`;
        const done = await together(size, training(name));
        expect(done.code, done.err).toBe(0);
        // One of them speaks.
        expect(done.err.match(/parameters,/g)).toHaveLength(1);
        expect(done.err).toContain(`; ${size} processes, ${16 / size} of each 16.`);
        expect(done.out.match(/Trained 12 steps/g)).toHaveLength(1);
        expect(await losses(name)).toBeAllClose(await losses("one"), 1e-5);
        const shared = decodeSafetensors(await checkpoint(name, 12)).tensors;
        for (const [tensor, { data }] of Object.entries(whole))
          expect(shared[tensor]!.data).toBeAllClose(data, 1e-3);
      }
      expect((await together(4, training("again"))).code).toBe(0);
      expect((await checkpoint("again", 12)).equals(await checkpoint("of-4", 12))).toBe(true);
      const resumed = await together(2, ["train", "--resume", join(folder, "again"), "--steps", "15"]);
      expect(resumed.code, resumed.err).toBe(0);
      expect(resumed.err).toContain("from step 12.");
      const over = await together(2, ["train", "--resume", join(folder, "again"), "--steps", "15"]);
      expect(over.code, over.err).toBe(0);
      expect(over.out).toContain("Nothing was trained");
      expect((await regard(["train", "--resume", join(folder, "again"), "--steps", "18"])).code).toBe(0);
    });

    test.each([
      ["another", -1],
      ["the first", 0],
    ])("all end when %s dies, the last checkpoint whole", async (_, which) => {
      const name = `dies${which}`;
      const done = await together(2, training(name, 100_000), {
        env: { OMPI_MCA_odls_base_sigkill_timeout: "3" },
        signal: { to: (launcher) => childrenOf(launcher).at(which), name: "SIGKILL", run: name },
      });
      expect(done.code).not.toBe(0);
      // The launcher tells it; the first process, where it lives, tells where the run stands.
      expect(done.err).toMatch(/signal 9 \(Killed\)/);
      if (which !== 0)
        expect(done.err).toMatch(
          /Told to stop at step \d+: the run is saved after this step if all processes still answer; if one is gone, its last checkpoint stands\. Go on with: regard train --resume .+dies-1\n/,
        );
      const files = await readdir(join(folder, name));
      // Whichever moment it died in, every checkpoint that is there is whole.
      const steps = files.flatMap((file) => {
        const found = /^checkpoint-(\d+)\.safetensors$/.exec(file);
        return found ? [Number(found[1])] : [];
      });
      for (const one of steps)
        expect(decodeSafetensors(await checkpoint(name, one)).metadata.step).toBe(String(one));
      const step = Math.max(...steps);
      // The launcher has ended before the last of its processes has.
      await expect
        .poll(
          async () =>
            (await regard(["train", "--resume", join(folder, name), "--steps", String(step + 3)])).code,
          { timeout: 20_000, interval: 500 },
        )
        .toBe(0);
    });

    test("are stopped together, and saved", async () => {
      const done = await together(2, training("stopped", 100_000), {
        // Seconds that the launcher leaves its processes to end by themselves; one is too few on a busy machine.
        env: { OMPI_MCA_odls_base_sigkill_timeout: "8" },
        signal: { to: (launcher) => launcher, name: "SIGINT", run: "stopped" },
      });
      expect(done.out).toMatch(/Saved .+stopped at step \d+\. Go on with: regard train --resume/);
      const step = Number(/at step (\d+)\. Go on/.exec(done.out)![1]);
      expect(decodeSafetensors(await checkpoint("stopped", step)).metadata.step).toBe(String(step));
    });

    test("end with one sentence where something is wrong", async () => {
      const shares = await together(3, training("shares"));
      expect(shares.code).toBe(2);
      expect(shares.err.match(/^regard: .*/gm)).toEqual([
        "regard: a batch of 16 does not divide into equal shares for 3 processes; give --batch 15 or 18.",
      ]);
      expect(existsSync(join(folder, "shares"))).toBe(false);
      const none = await together(2, ["train", "--resume", join(folder, "none")]);
      expect(none.code).toBe(2);
      expect(none.err.match(/^regard: .*/gm)).toHaveLength(1);
      // One that is not the first cannot do what the others can.
      const other = await together(2, [...training("other"), "--batch", "15"], {
        last: ["--device", "abacus"],
      });
      expect(other.code).toBe(2);
      expect(other.err.match(/^regard: .*/gm)).toEqual([
        'regard: process 2 of 3: there is no device "abacus"; --device takes cpu, webgpu, wasm.',
      ]);
      // All see it at once.
      const hopeless = [
        "--optimizer",
        "adamw",
        "--weight-decay",
        "1",
        "--learning-rate",
        "99",
        "--warmup",
        "0",
      ];
      const lost = await together(2, [...training("lost", 2000), ...hopeless]);
      expect(lost.code).toBe(1);
      expect(lost.err.match(/^regard: .*/gm)).toEqual([
        expect.stringMatching(
          /^regard: the loss or gradient was not finite for 10 steps in a row, up to step \d+;/,
        ),
      ]);
      const unknown = await together(2, training("unknown"), { env: { REGARD_MPI: "/nowhere/libmpi.so" } });
      expect(unknown.code).toBe(1);
      expect(unknown.err.match(/^regard: .*/gm)).toEqual([
        "regard: this is one of 2 processes that train together, but no library of MPI can be loaded (/nowhere/libmpi.so); install Open MPI or MPICH, or name its library with REGARD_MPI=/path/to/libmpi.so.",
      ]);
    });
  },
);
