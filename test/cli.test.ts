import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { decodeTrace, type Places, rowsOf } from "../src/attention/index.js";
import { publicDatasets } from "../src/data/fetch/datasets.js";
import { datasets, detokenise } from "../src/data/index.js";
import { bleu } from "../src/explain/index.js";
import { models } from "../src/models/index.js";
import { decodeModel, lower } from "../src/onnx/index.js";
import { exp, input } from "../src/ops/index.js";
import type { WatchedTrace } from "../src/task/index.js";
import { main, regard, small, spawned } from "./command.js";

let folder: string;
let first: string;
let short: string;
const quick = ["train", "rnnsearch", ...small, "--steps", "12", "--validate-every", "6"];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regard-"));
  first = join(folder, "first");
  const { code, err } = await regard([...quick, "--out", first]);
  expect(code, err).toBe(0);
  // One that has just learned how short sentences are: whether it writes anything hangs on how it is decoded.
  short = join(folder, "short");
  const trained = await regard([
    "train",
    "rnnsearch",
    ...small,
    "--steps",
    "60",
    "--validate-every",
    "30",
    "--out",
    short,
  ]);
  expect(trained.code, trained.err).toBe(0);
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const checkpointsOf = async (run: string): Promise<string[]> =>
  (await readdir(run)).filter((name) => name.startsWith("checkpoint-")).sort();

test("a run folder holds the run, its vocabulary, its metrics and its checkpoints", async () => {
  expect((await readdir(first)).sort()).toEqual([
    "checkpoint-00000006.safetensors",
    "checkpoint-00000012.safetensors",
    "metrics.jsonl",
    "run.json",
    "state.json",
    "traces.jsonl",
    "vocabulary.json",
  ]);
  const run = JSON.parse(await readFile(join(first, "run.json"), "utf8"));
  expect(run.settings).toMatchObject({
    model: "rnnsearch",
    seed: 1,
    batch: 16,
    configuration: { hidden: 16, attention: "additive" },
  });
  const lines = (await readFile(join(first, "metrics.jsonl"), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.map(({ step }) => step)).toEqual([6, 10, 12]);
  expect(lines[1]).toMatchObject({ step: 10, loss: expect.any(Number), tokensPerSecond: expect.any(Number) });
  expect(lines[2].validation).toMatchObject({
    loss: expect.any(Number),
    exact: expect.any(Number),
    aer: expect.any(Number),
  });
});

test("the attention over a few fixed sentences is kept from before the first step on, and at every validation", async () => {
  const lines = (await readFile(join(first, "traces.jsonl"), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.map(({ step }) => step)).toEqual([0, 1, 2, 5, 6, 12]);
  const [before, after] = lines.slice(-2).map(({ traces }) => traces);
  expect(before).toHaveLength(3);
  before.forEach((trace: WatchedTrace, index: number) => {
    const { places, steps, looks } = decodeTrace(trace);
    expect(places).toEqual(after[index].places);
    expect(trace.title).toBe(after[index].title);
    const source = places.source as Extract<Places, { kind: "tokens" }>;
    expect(detokenise(source.labels.slice(0, -1))).toBe(trace.title);
    expect(looks[0]!.shape).toEqual([steps.length, 1, source.labels.length]);
    expect(steps.at(-1)!.label).toBe("(end)");
    for (const row of rowsOf(looks[0]!)) expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 4);
    expect(after[index].looks[0].data).not.toEqual(trace.looks[0]!.data);
  });
});

describe("settings from a file", () => {
  test("train what the options did that wrote them, to the byte", async () => {
    const again = join(folder, "again");
    const { code, err } = await regard(["train", "--settings", join(first, "run.json"), "--out", again]);
    expect(code, err).toBe(0);
    const name = "checkpoint-00000012.safetensors";
    expect((await readFile(join(again, name))).equals(await readFile(join(first, name)))).toBe(true);
    const settingsIn = async (run: string) =>
      JSON.parse(await readFile(join(run, "run.json"), "utf8")).settings;
    expect(await settingsIn(again)).toEqual(await settingsIn(first));
    const other = join(folder, "other-seed");
    const seeded = ["--settings", join(first, "run.json"), "--seed", "8", "--steps", "6", "--out", other];
    expect((await regard(["train", ...seeded])).code).toBe(0);
    expect(await settingsIn(other)).toMatchObject({ seed: 8, budget: { steps: 6 } });
  });

  test.each<[string, string, string[], RegExp]>([
    ["no JSON", "rnnsearch", [], /odd\.json is no JSON \(.*\); give the settings of a run\.json\.$/],
    [
      "what is no settings",
      "[3]",
      [],
      /odd\.json holds no settings; give those of a run\.json, or a whole run\.json\.$/,
    ],
    ["no model", "{}", [], /odd\.json: option "model" is missing but must be a string\.$/],
    [
      "a setting that there is not",
      '{SETTINGS, "batches": 3}',
      [],
      /odd\.json: there is no option "batches"; take it out, or check how it is spelt\.$/,
    ],
    [
      "a setting that there is not, further in",
      '{SETTINGS, "schedule": {"name": "cosine", "warmpu": 3}}',
      [],
      /odd\.json: there is no option "schedule\.warmpu"; take it out, or check how it is spelt\.$/,
    ],
    [
      "an optimizer that there is not",
      '{SETTINGS, "optimizer": {"name": "adamx"}}',
      [],
      /odd\.json: option "optimizer\.name" is adamx but must be one of adam, adamw, sgd, adadelta, rmsprop, adagrad\.$/,
    ],
    [
      "images for a model that reads none",
      '{SETTINGS, "images": {"size": [17, 19]}}',
      [],
      /odd\.json: option "images" is for models that read images, and rnnsearch reads none; take it out\.$/,
    ],
    [
      "a setting that does not fit",
      '{SETTINGS, "batch": 0}',
      [],
      /odd\.json: option "batch" is 0 but must be at least 1\.$/,
    ],
    [
      "an option that the file settles",
      "{}",
      ["--batch", "3"],
      /odd\.json says what is trained and how; leave out --batch, or change it there\.$/,
    ],
  ])("%s is refused", async (_, text, options, message) => {
    const file = join(folder, "odd.json");
    const { settings } = JSON.parse(await readFile(join(first, "run.json"), "utf8"));
    await writeFile(file, text.replace("SETTINGS", JSON.stringify(settings).slice(1, -1)));
    const out = join(folder, "never");
    const { code, err } = await regard(["train", "--settings", file, "--out", out, ...options]);
    expect(err.trimEnd()).toMatch(message);
    expect(code).toBe(2);
    await expect(stat(out)).rejects.toThrow("ENOENT");
  });
});

test("--patience ends a run that no longer gets better, and the best checkpoint stays", async () => {
  const path = join(folder, "impatient");
  const hopeless = ["--optimizer", "sgd", "--learning-rate", "99", "--schedule", "constant", "--warmup", "0"];
  const { code, out, err } = await regard([
    ...[
      "train",
      "rnnsearch",
      ...small,
      "--steps",
      "40",
      "--validate-every",
      "2",
      "--patience",
      "2",
      "--out",
      path,
    ],
    ...hopeless,
    "--json",
  ]);
  expect(code, err).toBe(0);
  expect(err).toMatch(/The validation loss has not fallen for 2 validations; step \d+ was the best\./);
  expect(JSON.parse(out).steps).toBeLessThan(40);
  const best = /step (\d+) was the best/.exec(err)![1]!;
  expect(await checkpointsOf(path)).toContain(`checkpoint-${best.padStart(8, "0")}.safetensors`);
});

test("models lists them, as text and as JSON", async () => {
  const { out } = await regard(["models", "--json"]);
  const listed = JSON.parse(out) as { id: string }[];
  expect(listed.map(({ id }) => id)).toEqual(models.map(({ id }) => id));
  for (const expected of [
    { id: "lstm", year: 1997, task: "bit-sequences", attention: ["none"] },
    { id: "neural-turing-machine", year: 2014, task: "bit-sequences", attention: ["memory"] },
    { id: "ram", year: 2014, task: "classification", attention: ["glimpses"] },
    { id: "rnnsearch", year: 2015, task: "translation", attention: ["alignment"] },
    { id: "show-attend-tell", year: 2015, task: "captioning", attention: ["spatial"] },
    { id: "transformer", year: 2017, task: "translation", attention: ["heads"] },
  ])
    expect(listed).toContainEqual(expect.objectContaining(expected));
  expect((await regard(["models"])).out).toContain("Bahdanau, Cho & Bengio 2015");
});

test("every command has help with an example", async () => {
  for (const command of [
    "models",
    "data",
    "train",
    "see",
    "evaluate",
    "explain",
    "diagnose",
    "expand",
    "export",
    "studio",
  ]) {
    const { code, out } = await regard([command, "--help"]);
    expect(code).toBe(0);
    expect(out).toMatch(/Examples:\n {2}\$ regard /);
    expect(out).toContain("--json");
    expect(out).toContain("--debug");
    if (command === "train")
      expect(out.match(/^[A-Z].*:$/gm)).toEqual([
        "Options:",
        "Data:",
        "Images:",
        "How files are read:",
        "Words:",
        "How long:",
        "The run:",
        "The machine:",
        "Training:",
        "The model:",
        "Examples:",
      ]);
  }
});

test("a reader that has seen enough ends the command without a fuss", async () => {
  const { stdout, stderr } = await promisify(execFile)("sh", [
    "-c",
    `"${process.execPath}" "${main}" train --help | head -1`,
  ]);
  expect(stdout).toMatch(/^Usage: regard train/);
  expect(stderr).toBe("");
});

test("two trainings with one seed give the same checkpoint to the byte", async () => {
  const second = join(folder, "second");
  const { code, out } = await regard([...quick, "--out", second, "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toEqual({
    run: second,
    steps: 12,
    notes: [],
    seconds: expect.any(Number),
    loss: expect.any(Number),
    // After twelve steps the attention has not found anything yet, and says so.
    validation: {
      loss: expect.any(Number),
      exact: expect.any(Number),
      aer: expect.any(Number),
      collapse: "uniform",
    },
  });
  const last = "checkpoint-00000012.safetensors";
  expect((await readFile(join(second, last))).equals(await readFile(join(first, last)))).toBe(true);
});

test("--set takes numbers, words, true and false", async () => {
  const out = join(folder, "set");
  const sizes = ["features=8", "inner=8", "layers=1", "tied=false"].flatMap((entry) => ["--set", entry]);
  expect((await regard(["train", "transformer", ...sizes, "--steps", "1", "--out", out])).code).toBe(0);
  const { settings } = JSON.parse(await readFile(join(out, "run.json"), "utf8"));
  expect(settings.configuration).toMatchObject({ features: 8, layers: 1, tied: false });
}, 60_000);

test("--threads computes with as many, to the same losses", async () => {
  const single = join(folder, "single");
  expect((await regard([...quick, "--threads", "1", "--out", single])).code).toBe(0);
  const last = async (run: string) =>
    JSON.parse((await readFile(join(run, "metrics.jsonl"), "utf8")).trim().split("\n").at(-1)!);
  expect((await last(single)).validation.loss).toBeCloseTo((await last(first)).validation.loss, 4);
});

test("Ctrl-C saves and says how to go on, and going on ends where an uninterrupted run does", async () => {
  const path = join(folder, "interrupted");
  const stopped = await spawned([...quick, "--out", path], /step 6 /);
  expect(stopped.code).toBe(130);
  expect(stopped.out).toMatch(/^Saved .* at step \d+\. Go on with: regard train --resume /);
  const [saved] = (await checkpointsOf(path)).slice(-1);
  expect(saved).not.toBe("checkpoint-00000012.safetensors");
  const resumed = await regard(["train", "--resume", path]);
  expect(resumed.code, resumed.err).toBe(0);
  const last = "checkpoint-00000012.safetensors";
  expect((await readFile(join(path, last))).equals(await readFile(join(first, last)))).toBe(true);
});

test("a damaged newest checkpoint is named, and the one before it used", async () => {
  const path = join(folder, "damaged");
  await regard([...quick, "--out", path]);
  const whole = await readFile(join(path, "checkpoint-00000012.safetensors"));
  await truncate(join(path, "checkpoint-00000012.safetensors"), 5000);
  const { code, err } = await regard(["train", "--resume", path]);
  expect(code).toBe(0);
  expect(err).toMatch(
    /checkpoint-00000012\.safetensors is not a whole safetensors file: .*; using another checkpoint\./,
  );
  expect(err).toContain("from step 6.");
  expect((await readFile(join(path, "checkpoint-00000012.safetensors"))).equals(whole)).toBe(true);
});

describe("see", () => {
  test("prints the output with its alignment, and writes pictures", async () => {
    const files = ["svg", "png", "html"].map((type) => join(folder, `picture.${type}`));
    const { code, out, err } = await regard([
      "see",
      first,
      "I love coffee",
      "--svg",
      files[0]!,
      "--png",
      files[1]!,
      "--html",
      files[2]!,
    ]);
    expect(code, err).toBe(0);
    expect(out).toMatch(/I +love +coffee +\(end\)/);
    const [svg, png, html] = await Promise.all(files.map((file) => readFile(file)));
    expect(svg!.toString()).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/);
    expect([...png!.subarray(0, 4)]).toEqual([0x89, 0x50, 0x4e, 0x47]);
    expect(html!.toString()).toMatch(/^<!doctype html>/);
  });

  test("words are drawn by a seed at a temperature, and the decoding says so", async () => {
    const seen = async (...options: string[]) =>
      (await regard(["see", first, "I love coffee", "--temperature", "3", ...options])).out;
    const one = await seen("--sample", "5");
    expect(one).toContain("(words drawn by seed 5 at a temperature of 3)");
    expect(await seen("--sample", "5")).toBe(one);
    const others = await Promise.all([6, 7, 8].map((seed) => seen("--sample", String(seed))));
    const outputOf = (text: string) => text.split("\n")[0];
    expect(others.some((other) => outputOf(other) !== outputOf(one))).toBe(true);
    for (const [options, why] of [
      [["--temperature", "0"], "--temperature is 0 but must be from 0.01 to 10."],
      [["--sample", "3"], "--sample is 3, but the likeliest word is taken at each step; add --temperature 1"],
    ] as const) {
      const { code, err } = await regard(["see", first, "I love coffee", ...options]);
      expect([code, err]).toEqual([2, expect.stringContaining(why)]);
    }
  });

  test("gives the trace as JSON", async () => {
    const { out } = await regard(["see", first, "I love coffee", "--json", "--beam", "2"]);
    const { output, traces } = JSON.parse(out);
    expect(typeof output).toBe("string");
    expect(traces).toHaveLength(1);
    expect(traces[0]).toMatchObject({ kind: "alignment", source: ["I", "love", "coffee", "(end)"] });
    for (const row of traces[0].weights) {
      expect(row).toHaveLength(4);
      expect(row.reduce((a: number, b: number) => a + b)).toBeCloseTo(1, 4);
    }
  });

  test("reads the gates of the recurrent layers, of a model without attention too", async () => {
    const picture = join(folder, "gates.svg");
    const { code, out, err } = await regard([
      "see",
      first,
      "I love coffee",
      "--gates",
      "--json",
      "--svg",
      picture,
    ]);
    expect(code, err).toBe(0);
    const [alignment, gates] = JSON.parse(out).traces;
    expect(alignment.kind).toBe("alignment");
    expect(gates).toMatchObject({ kind: "gates", tokens: ["I", "love", "coffee"] });
    expect(Object.keys(gates.gates)).toEqual([
      "forward reset",
      "forward update",
      "backward reset",
      "backward update",
    ]);
    for (const gate of Object.values<number[][]>(gates.gates)) {
      expect(gate).toHaveLength(3);
      for (const step of gate) expect(step).toHaveLength(16);
      for (const value of gate.flat()) expect(value > 0 && value < 1).toBe(true);
    }
    expect(await readFile(picture, "utf8")).toContain("Gates while “I love coffee” is read");
    const long = new Array(501).fill("coffee").join(" ");
    expect((await regard(["see", first, long])).err).toBe(
      "regard: the input has 501 words but a model takes at most 500; give it in parts.\n",
    );
  });

  test("names words that are no text without giving them to the terminal, long ones in short", async () => {
    const { err } = await regard(["see", first, `I \x07 ${"x".repeat(3001)}`]);
    expect(err).toMatch(/^The model does not know "␇", "x{21}…x{10}"; it was trained on other words\.\n$/);
  });

  test("says where there is no folder to write to", async () => {
    const file = join(folder, "none", "of.svg");
    const { code, err } = await regard(["see", first, "I love coffee", "--svg", file]);
    expect(code).toBe(1);
    expect(err).toBe(
      `regard: cannot write ${file}: there is no folder "${join(folder, "none")}"; make it, or choose another.\n`,
    );
  });

  test("names words it does not know", async () => {
    const { code, err } = await regard(["see", first, "I love xylophones"]);
    expect(code).toBe(0);
    expect(err).toBe('The model does not know "xylophones"; it was trained on other words.\n');
  });
});

describe("explain", () => {
  test("gives attention, salience and effect, how they agree, and a picture of one", async () => {
    const { code, out, err } = await regard(["explain", first, "I love coffee", "--json"]);
    expect(code, err).toBe(0);
    const { source, target, scores, agreements, verdict } = JSON.parse(out);
    expect(source).toEqual(["I", "love", "coffee"]);
    expect(Object.keys(scores)).toEqual(["attention", "salience", "effect"]);
    for (const rows of Object.values<number[][]>(scores)) {
      expect(rows).toHaveLength(target.length);
      for (const row of rows) expect(row).toHaveLength(3);
    }
    expect(agreements).toHaveLength(3);
    expect(["explains", "partly", "does not"]).toContain(verdict);
    const picture = join(folder, "effect.svg");
    const drawn = await regard(["explain", first, "I love coffee", "--method", "effect", "--svg", picture]);
    expect(drawn.code, drawn.err).toBe(0);
    expect(drawn.out).toMatch(/whose removal hurts most: here the map/);
    expect(await readFile(picture, "utf8")).toContain("once a source word and its annotation are masked");
  });

  test("is of the output that see shows, however it is decoded, and the decoding is named", async () => {
    const outputs: string[] = [];
    for (const [sentence, beam] of [
      ["I love coffee", undefined],
      ["I love coffee", 1],
      ["does Ana read the new book?", 2],
      ["my dog sleeps", 5],
    ] as const) {
      const options = [sentence, "--json", ...(beam === undefined ? [] : ["--beam", String(beam)])];
      const [seen, explained] = await Promise.all(
        ["see", "explain"].map(async (command) => {
          const { code, out, err } = await regard([command, short, ...options]);
          expect(code, err).toBe(0);
          return JSON.parse(out);
        }),
      );
      expect(explained.output).toBe(seen.output);
      expect(explained.target).toEqual(seen.traces[0].target.slice(0, explained.target.length));
      expect(explained.decoding).toEqual({ beam: beam ?? 4 });
      expect(seen.decoding).toEqual(explained.decoding);
      expect(seen.hypotheses).toHaveLength(beam ?? 4);
      const scores = seen.hypotheses.map(({ score }: { score: number }) => score);
      expect(scores).toEqual([...scores].sort((a, b) => b - a));
      expect(seen.hypotheses[0].output).toBe(seen.output);
      outputs.push(seen.output);
    }
    // Decodings that wrote the same would not be told apart by this test.
    expect(outputs[0]).not.toBe(outputs[1]);
    const { out } = await regard(["explain", short, "my dog sleeps", "--beam", "5"]);
    expect(out.split("\n")[1]).toBe("(the best of a beam of 5)");
    expect((await regard(["see", short, "my dog sleeps", "--beam", "1"])).out.split("\n")[1]).toBe(
      "(the likeliest word at each step)",
    );
  }, 60_000);

  test("shows numbers in the unit that it names, in the terminal and in pictures", async () => {
    const [picture, page] = [join(folder, "nats.svg"), join(folder, "nats.html")];
    const text = "I love my old coffee";
    const { scores, source, target } = JSON.parse((await regard(["explain", first, text, "--json"])).out);
    for (const [method, unit] of [
      ["salience", "nats per unit of attention"],
      ["effect", "nats"],
    ]) {
      const { out, code, err } = await regard([
        ...["explain", first, text, "--method", method!, "--svg", picture, "--html", page],
      ]);
      expect(code, err).toBe(0);
      const rows: number[][] = scores[method!];
      const greatest = Math.max(...rows.flat());
      expect(out).toContain(`, ${greatest.toFixed(2)} ${unit}.`);
      const lines = out.split("\n");
      const told = lines.slice(lines.findIndex((line) => line.startsWith(`${method}: `)) + 3);
      rows.forEach((row, step) => {
        const numbers = told[step]!.match(/-?\d+\.\d\d/g) ?? [];
        expect(numbers).toEqual(
          row.filter((score) => Math.abs(score) >= 0.005).map((score) => score.toFixed(2)),
        );
      });
      for (const file of [picture, page]) {
        const drawn = await readFile(file, "utf8");
        rows.forEach((row, step) => {
          row.forEach((score, place) => {
            expect(drawn).toContain(
              `<title>${target[step]} ← ${source[place]}: ${score.toFixed(3)} ${unit}</title>`,
            );
          });
        });
      }
    }
  });

  test("says so where nothing was written", async () => {
    const { code, out, err } = await regard(["explain", short, "I love coffee", "--beam", "1"]);
    expect(code, err).toBe(0);
    expect(out).toBe(
      "(the likeliest word at each step)\n\nIt wrote nothing, so there is nothing to explain.\n",
    );
    const drawn = await regard(["explain", short, "I love coffee", "--beam", "1", "--html", "x.html"]);
    expect([drawn.code, drawn.err]).toEqual([
      1,
      'regard: the model wrote nothing for "I love coffee", so there is nothing to draw.\n',
    ]);
  });

  test("says what is wrong", async () => {
    expect((await regard(["explain", first, "hello", "--method", "magic"])).err).toBe(
      'regard: there is no method "magic"; --method takes attention, salience, effect, heads.\n',
    );
    expect((await regard(["explain", first, "hello", "--svg", "x.svg"])).err).toBe(
      "regard: --svg and --png draw one method; name it with --method, or use --html.\n",
    );
  });
});

describe("export", () => {
  test("a file gives the run's output and weights, and says what they mean", async () => {
    const file = join(folder, "translator.onnx");
    const { code, out, err } = await regard(["export", first, "--out", file, "--json"]);
    expect(code, err).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      file,
      model: "rnnsearch",
      step: 12,
      bytes: (await stat(file)).size,
    });
    const sentence = "does Ana see my old dog in the garden?";
    const run = JSON.parse((await regard(["see", first, sentence, "--beam", "1", "--json"])).out);
    const again = JSON.parse((await regard(["see", file, sentence, "--json"])).out);
    expect(again.output).toBe(run.output);
    expect(again.traces[0].source).toEqual(run.traces[0].source);
    expect(again.traces[0].weights).toHaveLength(run.traces[0].weights.length);
    again.traces[0].weights.forEach((row: number[], index: number) => {
      expect(row).toBeAllClose(run.traces[0].weights[index], 1e-5);
    });
    const metadata = decodeModel(await readFile(file)).metadataProps;
    const axes = JSON.parse(metadata.find(({ key }) => key === "regard.axes")!.value);
    expect(axes.weights).toEqual(["step", "sentence", "source word"]);
  });

  test("a damaged file is refused, and one that others wrote is asked for what it reads", async () => {
    const x = input("x", "float32", ["n"]);
    const foreign = join(folder, "foreign.onnx");
    await writeFile(foreign, lower({ y: exp(x) }).bytes);
    const damaged = join(folder, "damaged.onnx");
    await writeFile(damaged, "not a model");
    for (const [file, message] of [
      [foreign, /"hello" is not a number; give numbers with spaces between, or an example such as test:0\.$/],
      [damaged, /damaged\.onnx is damaged or no ONNX file \(.+\); get it again\.$/],
      [join(folder, "absent.onnx"), /cannot read ".*absent\.onnx": there is no such file\.$/],
    ] as const) {
      const { code, err } = await regard(["see", file, "hello"]);
      expect(err.trimEnd()).toMatch(message);
      expect(code).toBe(2);
    }
  });
});

describe("evaluate", () => {
  test("scores the task and the attention, as text, JSON and picture", async () => {
    const picture = join(folder, "length.svg");
    const { code, out, err } = await regard(["evaluate", first, "--json", "--svg", picture]);
    expect(code, err).toBe(0);
    const { metrics, breakdown, examples, split } = JSON.parse(out);
    expect(split).toBe("test");
    expect(examples).toBe(1000);
    expect(metrics.perplexity).toBeCloseTo(Math.exp(metrics.loss), 9);
    for (const name of ["exact", "aer", "alignmentPrecision", "alignmentRecall", "attentionCoverage"]) {
      expect(metrics[name]).toBeGreaterThanOrEqual(0);
      expect(metrics[name]).toBeLessThanOrEqual(1);
    }
    for (const name of ["bleu", "chrf"]) expect(metrics[name]).toBeLessThanOrEqual(100);
    const counted = breakdown.ranges.reduce(
      (sum: number, part: { examples: number }) => sum + part.examples,
      0,
    );
    expect(counted).toBe(1000);
    expect(await readFile(picture, "utf8")).toContain("BLEU by words in the source, bilingual test");
    const written = await regard(["evaluate", first, "--split", "validation", "--json", "--outputs"]);
    const { outputs, ...scored } = JSON.parse(written.out);
    expect(outputs).toHaveLength(500);
    const [texts, references] = ["output", "references"].map((key) =>
      outputs.map((one: Record<string, unknown>) => one[key]),
    );
    expect(bleu(texts, references)).toBe(scored.metrics.bleu);
    expect(outputs[0].source).toMatch(/^\p{Lu}/u);
    const alone = await regard(["evaluate", first, "--outputs"]);
    expect([alone.code, alone.err]).toEqual([
      2,
      "regard: --outputs is for --json; give both, or leave it out.\n",
    ]);
    const text = await regard(["evaluate", first, "--split", "validation"]);
    expect(text.out).toMatch(/^loss +\d/);
    expect(text.err).toContain("on 500 examples of bilingual, split validation, beam 1.");
    const several = await regard(["evaluate", first, first, "--split", "validation", "--svg", picture]);
    expect(several.out.split("\n")[1]).toMatch(/^loss +([\d.]+) +\1$/);
    expect((await readFile(picture, "utf8")).match(/<polyline/g)).toHaveLength(2);
  }, 60_000);
});

test("data lists what there is, and writes an embedded dataset that can be trained on", async () => {
  const { out } = await regard(["data", "--json"]);
  expect(JSON.parse(out).map(({ id }: { id: string }) => id)).toEqual(
    [...datasets, ...publicDatasets].map(({ id }) => id),
  );
  const made = join(folder, "made");
  const { code, out: said } = await regard(["data", "make", "bilingual-es-en", "--out", made, "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(said)).toMatchObject({ from: "es", to: "en", splits: { train: 60_000, val: 500 } });
  const [spanish, english, links] = await Promise.all(
    ["es", "en", "align"].map(async (ending) =>
      (await readFile(join(made, `val.${ending}`), "utf8")).trim().split("\n"),
    ),
  );
  expect([spanish, english, links].map((lines) => lines!.length)).toEqual([500, 500, 500]);
  expect(links![0]).toMatch(/^\d+[-?]\d+( \d+[-?]\d+)*$/);
  const run = join(folder, "on-made");
  const trained = await regard([
    ...["train", "rnnsearch", ...small, "--steps", "2", "--data", made, "--from", "es", "--to", "en"],
    ...["--vocabulary", "byte-pair", "--vocabulary-size", "300", "--out", run],
  ]);
  expect(trained.code, trained.err).toBe(0);
  expect(trained.err).toContain("304 source and 304 target pieces.");
  const seen = JSON.parse((await regard(["see", run, "¿Ves mi casita?", "--json"])).out);
  expect(seen.traces[0].source.join("")).toContain("@@");
}, 60_000);

describe("used wrongly, each command says so in a sentence and changes nothing", () => {
  test.each<[string, (paths: { first: string; folder: string }) => string[], RegExp]>([
    [
      "a studio that others can reach",
      () => ["studio", "--host", "0.0.0.0"],
      /^regard: --host is 0\.0\.0\.0, which others can reach, but the studio asks nobody who they are/,
    ],
    [
      "an unknown model",
      () => ["train", "rnnserch"],

      new RegExp(
        `^regard: there is no model called "rnnserch"; choose one of ${models.map(({ id }) => id).join(", ")}\\.$`,
      ),
    ],
    [
      "no model",
      () => ["train"],
      /^regard: name a model to train, as in: regard train rnnsearch; regard models lists them\.$/,
    ],
    [
      "an unknown dataset",
      () => ["train", "rnnsearch", "--data", "klingon"],
      new RegExp(
        `^regard: there is no dataset or file called ".*klingon"; give one of ${[...datasets, ...publicDatasets].map(({ id }) => id).join(", ")}, a table of pairs \\(\\.tsv\\), a folder of parallel files, or captions with their images\\.$`,
      ),
    ],
    [
      "an unknown device",
      () => ["train", "rnnsearch", "--device", "abacus"],
      /^regard: there is no device "abacus"; --device takes cpu, webgpu, wasm\.$/,
    ],
    [
      "no number",
      () => ["train", "rnnsearch", "--steps", "many"],
      /^regard: "many" is not a number; give one such as 10 or 0\.001\.$/,
    ],
    [
      "steps out of range",
      () => ["train", "rnnsearch", "--steps", "0"],
      /^regard: --steps is 0 but must be at least 1\.$/,
    ],
    [
      "minutes out of range",
      () => ["train", "rnnsearch", "--minutes", "-1"],
      /^regard: --minutes is -1 but must be more than 0\.$/,
    ],
    [
      "a smoothing of everything",
      () => ["train", "rnnsearch", "--label-smoothing", "1"],
      /^regard: --label-smoothing is 1 but must be less than 1\.$/,
    ],
    [
      "a softmax that there is not",
      () => ["train", "rnnsearch", "--softmax", "hierarchical"],
      /^regard: --softmax is hierarchical but must be one of sampled, partitioned\.$/,
    ],
    [
      "candidates where all words are scored",
      () => ["train", "rnnsearch", "--candidates", "500"],
      /^regard: --candidates is 500, but all words are scored; add --softmax sampled\.$/,
    ],
    [
      "a softmax over no words",
      ({ folder }) => ["train", "lstm", "--softmax", "sampled", "--out", join(folder, "wordless")],
      /^regard: --softmax is sampled, but lstm writes no words that it could leave out; leave out --softmax\.$/,
    ],
    [
      "words added to a run without vectors",
      ({ first }) => ["expand", first],
      /^regard: name vectors and a folder, as in: regard expand runs\/thoughts --vectors runs\/words --out runs\/wide$/,
    ],
    [
      "an image for a translator",
      ({ first }) => ["see", first, "cat.jpg"],
      /^regard: this model reads sentences, but "cat\.jpg" is the name of an image; give a sentence, or a model that reads images\.$/,
    ],
    [
      "a sentence without quotes",
      ({ first }) => ["see", first, "I", "love", "coffee"],
      /^regard: too many arguments for 'see'\. Expected 2 arguments but got 4\. A sentence goes in quotes: "I love coffee"\.$/m,
    ],
    [
      "a rate out of range",
      () => ["train", "rnnsearch", "--learning-rate", "-1"],
      /^regard: --learning-rate is -1 but must be more than 0\.$/,
    ],
    [
      "a rate without end",
      () => ["train", "rnnsearch", "--learning-rate", "Infinity"],
      /^regard: --learning-rate is Infinity but must be a number that is finite\.$/,
    ],
    [
      "a size that is left empty",
      () => ["train", "rnnsearch", "--set", "hidden="],
      /^regard: model rnnsearch, option "hidden" is empty but must be a number\.$/,
    ],
    [
      "runs in a file",
      ({ first }) => ["studio", "--runs", join(first, "run.json")],
      /^regard: --runs is .*run\.json, which is a file; give a folder, or one to be made\.$/,
    ],
    [
      "a name that a terminal would obey",
      () => ["train", "a\x1b[31m\x07"],
      /^regard: there is no model called "a␛\[31m␇"; choose one of /,
    ],
    [
      "a seed out of range",
      () => ["train", "rnnsearch", "--seed", "-1"],
      /^regard: --seed is -1 but must be at least 0\.$/,
    ],
    [
      "a size out of range",
      () => ["train", "rnnsearch", "--set", "hidden=0"],
      /^regard: model rnnsearch, option "hidden" is 0 but must be at least 1\.$/,
    ],
    [
      "neither yes nor no",
      () => ["train", "transformer", "--set", "tied=maybe"],
      /^regard: model transformer, option "tied" is maybe but must be true or false\.$/,
    ],
    [
      "an unknown option of the model",
      () => ["train", "rnnsearch", "--set", "hiden=7"],
      /^regard: model rnnsearch has no option "hiden"; it has embedding, hidden, alignment, maxout, attention\.$/,
    ],
    [
      "an attention that does not fit",
      () => ["train", "rnnsearch", "--set", "attention=dot"],
      /^regard: dot attention: the query has 128 features but the keys have 256; make them equal, or use general attention\.$/,
    ],
    [
      "a folder that holds a run",
      ({ first }) => ["train", "rnnsearch", "--out", first],
      /^regard: ".*first" already holds a run; choose another folder with --out, or go on with it: regard train --resume .*first$/,
    ],
    [
      "a folder that is not empty",
      ({ folder }) => ["train", "rnnsearch", "--out", folder],
      /^regard: ".*" is not empty; choose a new or empty folder with --out\.$/,
    ],
    [
      "no threads",
      ({ folder }) => [...quick, "--threads", "0", "--out", join(folder, "threadless")],
      /^regard: --threads is 0 but must be a whole number from 1\.$/,
    ],
    [
      "weight decay without AdamW",
      () => ["train", "rnnsearch", "--weight-decay", "0.1"],
      /^regard: --weight-decay is for adamw, and the optimizer is adam; add --optimizer adamw\.$/,
    ],
    [
      "weight decay out of range",
      () => ["train", "rnnsearch", "--optimizer", "adamw", "--weight-decay", "-1"],
      /^regard: --weight-decay is -1 but must be at least 0\.$/,
    ],
    [
      "a resume of no run",
      ({ folder }) => ["train", "--resume", join(folder, "full")],
      /^regard: ".*full" is not a run: it has no run\.json; give the folder that regard train wrote\.$/,
    ],
    [
      "see without a run",
      () => ["see", "/nowhere", "hello"],
      /^regard: "\/nowhere" is not a run: it has no run\.json; give the folder that regard train wrote\.$/,
    ],
    [
      "an empty input",
      ({ first }) => ["see", first, "  "],
      /^regard: the input is empty; give a sentence\.$/,
    ],
    [
      "a beam out of range",
      ({ first }) => ["see", first, "hello", "--beam", "0"],
      /^regard: --beam is 0 but must be a whole number from 1 to 64\.$/,
    ],
    [
      "an unknown split",
      ({ first }) => ["evaluate", first, "--split", "tset"],
      /^regard: the data has no split "tset"; it has test, test-long, test-combinations, validation\.$/,
    ],
    [
      "files for what no files hold",
      ({ first }) => ["train", "lstm", "--data", first],
      /^regard: no files hold bits, which the model takes, so ".*first" cannot be read; name "copy" or "repeat-copy" or "associative-recall"\.$/,
    ],
    [
      "options of texts for a model without",
      () => ["train", "lstm", "--min-count", "2"],
      /^regard: --min-count is for models that read or write texts; leave it out\.$/,
    ],
    [
      "options of files for data without",
      () => ["train", "rnnsearch", "--from", "de"],
      /^regard: --from is for data in files, and "bilingual" needs none; leave it out\.$/,
    ],
    [
      "an optimizer that there is not",
      () => ["train", "rnnsearch", "--optimizer", "adamx"],
      /^regard: --optimizer is adamx but must be one of adam, adamw, sgd, adadelta, rmsprop, adagrad\.$/,
    ],
    [
      "a model in a file of another kind",
      ({ first }) => ["export", first, "--out", "translator.pdf"],
      /^regard: --out writes ONNX, but the file is called "translator\.pdf"; call it translator\.onnx\.$/,
    ],
    ["a missing argument", () => ["see"], /^regard: missing required argument 'model'\n\(add --help/],
    ["an unknown option", () => ["train", "rnnsearch", "--stepz", "5"], /^regard: unknown option '--stepz'/],
    ["an unknown command", () => ["tarin"], /^regard: unknown command 'tarin'/],
  ])("%s", async (_, args, message) => {
    await mkdir(join(folder, "full"), { recursive: true });
    await writeFile(join(folder, "full", "note.txt"), "mine");
    const before = await readdir(folder);
    const { code, out, err } = await regard(args({ first, folder }));
    expect(err.trimEnd()).toMatch(message);
    expect(out).toBe("");
    expect(code).toBe(2);
    expect(await readdir(folder)).toEqual(before);
  });
});
