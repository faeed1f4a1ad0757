import { availableParallelism, cpus } from "node:os";
import { createElement } from "react";
import { type CompareOptions, compare } from "../../bench/compare.node.js";
import { peers } from "../../bench/contestants.node.js";
import { profileTable, readWork, tableOf, usualWork, workloads } from "../../bench/index.js";
import { profile } from "../../bench/profile.node.js";
import { measureGrowth } from "../../bench/sweep.node.js";
import { UsageError } from "../../core/index.js";
import { writeAtomically } from "../../train/run-folder.node.js";
import { GrowthCurves, svgOf } from "../../views/index.js";
import {
  type CommandDefinition,
  type CommonOptions,
  define,
  fileOf,
  number,
  print,
  warn,
} from "../command.js";
import { status } from "../terminal.js";

interface BenchOptions extends CommonOptions {
  readonly peers?: string;
  readonly rounds: number;
  readonly threads: number;
  readonly sweep?: string;
  readonly svg?: string;
  readonly profile?: boolean;
  readonly list?: boolean;
}

export const benchCommand: CommandDefinition = (program) => {
  define(
    program,
    "bench [work...]",
    "time the same work here and in the other frameworks that are installed, in turns",
    [
      "bench",
      "bench rnnsearch:64,20,256,4000 --peers pytorch,jax",
      "bench captioner-soft --profile",
      "bench rnnsearch --sweep length=20,40,80,160 --svg growth.svg",
    ],
  )
    .option("--peers <names>", `of ${peers.map(({ name }) => name).join(", ")}; "none" for Regard alone`)
    .option("--rounds <n>", "turns of each, after one that warms up", number, 7)
    .option("--threads <n>", "threads of each", number, Math.min(2, availableParallelism()))
    .option("--sweep <size=values>", "measure one workload at several values of a size")
    .option("--svg <file>", "with --sweep: write how the time grows as a picture", fileOf("--svg", "svg"))
    .option("--profile", "tell which operators Regard's time goes into, instead of comparing")
    .option("--list", "list the workloads and their sizes")
    .action(bench);
};

function namesOf(text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined;
  if (text === "none") return [];
  const names = text.split(",");
  for (const name of names)
    if (!peers.some((peer) => peer.name === name))
      throw new UsageError(
        `there is no peer "${name}"; choose of ${peers.map((peer) => peer.name).join(", ")}, or none.`,
      );
  return names;
}

async function bench(work: readonly string[], options: BenchOptions): Promise<void> {
  const { threads, rounds } = options;
  for (const [name, value] of Object.entries({ threads, rounds }))
    if (!Number.isSafeInteger(value) || value < 1)
      throw new UsageError(`--${name} is ${value} but must be a whole number from 1.`);
  if (options.profile && options.sweep)
    throw new UsageError("--profile looks at one size and --sweep at several; give one of them.");
  if (options.svg && !options.sweep) throw new UsageError("--svg draws what --sweep measures; give both.");
  if (options.list) {
    const lines = workloads.map(
      ({ id, sizes, description }) => `${id}:${Object.keys(sizes).join(",")}\n    ${description}`,
    );
    print(options, Object.fromEntries(workloads.map(({ id, sizes }) => [id, sizes])), lines.join("\n"));
    return;
  }
  const settings: CompareOptions = {
    threads,
    rounds,
    peers: namesOf(options.peers),
    onProgress: status,
  };
  const machine = { processor: cpus()[0]!.model, threads, date: new Date().toISOString().slice(0, 10) };
  const heading = `${machine.processor}, ${threads} threads, ${machine.date}`;
  if (options.sweep) {
    if (work.length !== 1)
      throw new UsageError(`--sweep takes one workload, not ${work.length}; name one, such as rnnsearch.`);
    const growth = await measureGrowth(work[0]!, options.sweep, {
      ...settings,
      onComparison: (found) => {
        status();
        if (!options.json) warn(`${tableOf(found)}\n`);
      },
    });
    if (options.svg) {
      const { series, size } = growth;
      const title = `${growth.work}: time by ${size}`;
      await writeAtomically(options.svg, svgOf(createElement(GrowthCurves, { series, size, title })));
      warn(`Written: ${options.svg}`);
    }
    const lines = growth.series.map(
      ({ name, exponent }) => `${name}: time grows as ${growth.size}^${exponent.toFixed(2)}`,
    );
    print(options, { machine, ...growth }, [heading, ...lines].join("\n"));
    return;
  }
  const asked = work.length > 0 ? work : usualWork;
  for (const text of asked) readWork(text);
  if (options.profile) {
    const profiles = [];
    for (const text of asked) profiles.push(await profile(text, threads));
    print(options, { machine, profiles }, [heading, ...profiles.map(profileTable)].join("\n\n"));
    return;
  }
  const results = [];
  if (!options.json) process.stdout.write(`${heading}\n`);
  for (const text of asked) {
    const found = await compare(text, settings);
    status();
    results.push(found);
    if (!options.json) process.stdout.write(`\n${tableOf(found)}\n`);
  }
  if (options.json) print(options, { machine, results }, "");
}
