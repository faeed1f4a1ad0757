import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { attentionOf } from "../src/attention/index.js";
import { gradient } from "../src/autodiff/index.js";
import { models } from "../src/models/index.js";
import { Mode, Scope } from "../src/nn/index.js";
import { input, logSoftmax } from "../src/ops/index.js";
import { nodeBackend } from "../src/session/node.js";
import { ints, normals, parametersOf, runOnce, scored } from "./run.js";

/** What every translator must satisfy; small sizes for each, unequal primes. */
const cases: readonly { id: string; options: Record<string, unknown> }[] = [
  { id: "rnn-encoder-decoder", options: { embedding: 3, hidden: 5, maxout: 2 } },
  { id: "seq2seq", options: { embedding: 3, hidden: 5, layers: 3 } },
  { id: "rnnsearch", options: { embedding: 3, hidden: 5, alignment: 7, maxout: 2 } },
  { id: "rnnsearch", options: { embedding: 3, hidden: 5, maxout: 2, attention: "general" } },
  { id: "transformer", options: { features: 6, inner: 5, heads: 3, layers: 2 } },
  { id: "conversational", options: { embedding: 3, hidden: 5, alignment: 7 } },
  { id: "conversational", options: { embedding: 3, hidden: 5, attention: "none" } },
  { id: "transformer", options: { features: 6, inner: 7, heads: 2, layers: 3, norm: "after", tied: false } },
];
const vocabularies = { source: 11, target: 13 };

// Two sentences of unequal length, a column each: 4 5 6 END and 7 END; START 8 9 END and START 10 END.
const source = ints([4, 2], [4, 7, 5, 2, 6, 0, 2, 0]);
const target = ints([4, 2], [1, 1, 8, 10, 9, 2, 2, 0]);

test("every model is tried", () => {
  expect([...new Set(cases.map(({ id }) => id))].sort()).toEqual(
    models
      .filter(({ task }) => task === "translation" || task === "conversation")
      .map(({ id }) => id)
      .sort(),
  );
});

test("every card says where in the code its equations are, and there they are", () => {
  const code = (path: string) => readFileSync(new URL(`../src/${path}`, import.meta.url), "utf8");
  const folders = readdirSync(new URL("../src/models", import.meta.url)).filter((name) =>
    /^\d{4}-/.test(name),
  );
  // Models of one paper share its folder.
  const registered = [...code("models/index.ts").matchAll(/"\.\/(\d{4}-[^/]+)\//g)].map(([, name]) => name!);
  expect(folders).toEqual([...new Set(registered)].sort());
  const astray: string[] = [];
  for (const folder of folders) {
    const files = readdirSync(new URL(`../src/models/${folder}`, import.meta.url));
    const own = files
      .filter((name) => name.endsWith(".ts"))
      .map((name) => code(`models/${folder}/${name}`))
      .join("\n");
    const card = code(`models/${folder}/card.md`);
    expect(card).toContain("## Departures");
    const [, ...rows] = card.split("\n").filter((line) => /^\| (?!-)/.test(line));
    expect(rows.length, folder).toBeGreaterThan(1);
    for (const row of rows) {
      const [mark, ...cells] = row
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim());
      const named = [...cells.at(-1)!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
      const [paths, names] = [true, false].map((is) => named.filter((name) => name.includes("/") === is));
      const text = [own, ...paths!.map(code)].join("\n");
      // A mark such as (8, 28) stands as it is, or each of its numbers by itself.
      const numbers = mark!.startsWith("(") ? mark!.match(/\d+/g)! : [];
      const marked = numbers.every((number) =>
        new RegExp(`\\((\\d+[, –]+)*${number}([, –]+\\d+)*\\)`).test(text),
      );
      if (!text.includes(mark!) && (mark!.startsWith("(") ? !marked : /^(A\.|Section )\d/.test(mark!)))
        astray.push(`${folder}: ${mark}`);
      astray.push(
        ...names!
          .filter(
            (name) => !new RegExp(`\\b${name.replaceAll(".", "\\.")}\\b`).test(text) && !files.includes(name),
          )
          .map((name) => `${folder}: ${name}`),
      );
    }
  }
  expect(astray).toEqual([]);
});

describe.each(cases)("$id $options", ({ id, options }) => {
  const card = models.find((model) => model.id === id)!;
  const build = (dtype: "float32" | "float64" = "float64") => {
    const scope = Scope.root(dtype);
    const model = card.build(scope, card.configuration.parse(options), vocabularies);
    const source = input("source", "int32", ["source", "batch"]);
    const trained = scored(
      model,
      { source, target: input("target", "int32", ["target", "batch"]) },
      Mode.plain({ dtype }),
    );
    return { scope, model, trained };
  };

  test("padding changes no loss, weight or gradient", async () => {
    const { scope, trained } = build("float32");
    const gradients = gradient(
      trained.loss,
      scope.parameters.map(({ tensor }) => tensor),
    );
    const program = {
      loss: trained.loss,
      sequenceLoss: trained.sequenceLoss,
      ...(trained.weights && { weights: trained.weights }),
      ...Object.fromEntries(gradients.map((tensor, index) => [`gradient${index}`, tensor])),
    };
    const parameters = parametersOf(scope);
    const pad = (rows: number[], extra: number) => [...rows, ...new Array<number>(2 * extra).fill(0)];
    const plain = await runOnce(program, { ...parameters, source, target }, nodeBackend);
    const padded = await runOnce(
      program,
      {
        ...parameters,
        source: ints([7, 2], pad([...source.data], 3)),
        target: ints([9, 2], pad([...target.data], 5)),
      },
      nodeBackend,
    );
    for (const [name, value] of Object.entries(plain)) {
      if (name !== "weights") expect(padded[name], name).toBeAllClose(value, 1e-6);
    }
    if (!trained.weights) return;
    // Weights are [target, batch, source]: compare the part that both have.
    for (let t = 0; t < 3; t++)
      for (let b = 0; b < 2; b++) {
        const row = plain.weights!.data.slice((t * 2 + b) * 4, (t * 2 + b + 1) * 4);
        const wide = padded.weights!.data.slice((t * 2 + b) * 7, (t * 2 + b + 1) * 7);
        expect(wide).toBeAllClose([...row, 0, 0, 0], 1e-6);
      }
  });

  test("gradients of every parameter agree with finite differences", async () => {
    const { scope, trained } = build();
    const names = scope.parameters.map(({ name }) => name);
    const gradients = gradient(
      trained.loss,
      scope.parameters.map(({ tensor }) => tensor),
    );
    const parameters = parametersOf(scope);
    const found = await runOnce(
      Object.fromEntries(gradients.map((tensor, index) => [`gradient of ${names[index]}`, tensor])),
      { ...parameters, source, target },
      nodeBackend,
    );
    const session = await nodeBackend.load({ loss: trained.loss });
    for (const name of names) {
      const value = parameters[name]!;
      // One random direction per parameter checks all its elements at once.
      const direction = normals(name, value.shape).data;
      const loss = async (step: number) => {
        const data = value.data.map((element, index) => element + step * direction[index]!);
        const feeds = { ...parameters, [name]: { ...value, data }, source, target };
        const needed = Object.fromEntries(Object.entries(feeds).filter(([key]) => key in feeds));
        return (await session.run(needed)).loss!.data[0]!;
      };
      const numeric = ((await loss(1e-5)) - (await loss(-1e-5))) / 2e-5;
      const slope = Float64Array.from(found[`gradient of ${name}`]!.data);
      const analytic = slope.reduce((sum, element, index) => sum + element * direction[index]!, 0);
      expect([analytic], name).toBeAllClose([numeric], 1e-6);
    }
  });

  test("its reading looks with gates from 0 to 1, or with weights over real words that add up to 1", async () => {
    const { scope, model } = build();
    const reading = input("source", "int32", ["source", "batch"]);
    const looks = Object.entries(model.steps!.begin({ source: reading }, Mode.plain()).looks!);
    expect(looks.length).toBeGreaterThan(0);
    const results = await runOnce(Object.fromEntries(looks.map(([name, { value }]) => [name, value])), {
      ...parametersOf(scope),
      source,
    });
    for (const [name, { kind }] of looks) {
      const { shape, data } = results[name]!;
      if (kind === "gates") {
        expect(name).toMatch(/ (reset|update|input|forget|output)$/);
        expect(shape).toEqual([4, 2, 5]);
        for (const value of data) expect(value > 0 && value < 1).toBe(true);
      } else {
        const heads = options.heads as number;
        expect(shape).toEqual([2, heads, 4, 4]);
        for (let row = 0; row < 2 * heads * 4; row++) {
          const weights = [...data.slice(4 * row, 4 * (row + 1))];
          expect(weights.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
          // The second sentence has two words, its end included.
          expect(weights.map((weight) => weight > 0)).toEqual(
            row < heads * 4 ? [true, true, true, true] : [true, true, false, false],
          );
        }
      }
    }
  });

  test("decoding step by step gives the probabilities of training", async () => {
    const { scope, model, trained } = build();
    const parameters = parametersOf(scope);
    const sourceInput = input("source", "int32", ["source", "batch"]);
    const mode = Mode.plain({ dtype: "float64" });
    const encoded = model.steps!.begin({ source: sourceInput }, mode);
    const { memory } = encoded;
    let { state } = encoded;
    let total: [number, number] = [0, 0];
    const rows: number[] = [];
    const program: Record<string, ReturnType<typeof logSoftmax>> = {};
    for (let t = 0; t < 3; t++) {
      const previous = input(`previous${t}`, "int32", ["batch"]);
      const step = model.steps!.step(memory, state, { previous }, mode);
      program[`log${t}`] = logSoftmax(step.outputs.logits!);
      const weights = attentionOf(step.looks)?.value;
      if (weights) program[`weights${t}`] = weights;
      ({ state } = step);
    }
    const row = (t: number) => ints([2], [...target.data.slice(2 * t, 2 * t + 2)]);
    const feeds = { ...parameters, source, previous0: row(0), previous1: row(1), previous2: row(2) };
    const results = await runOnce(program, feeds);
    for (let t = 0; t < 3; t++) {
      rows.push(...(results[`weights${t}`]?.data ?? []));
      total = total.map((sum, b) => {
        const word = target.data[2 * (t + 1) + b]!;
        return word === 0 ? sum : sum - results[`log${t}`]!.data[b * vocabularies.target + word]!;
      }) as [number, number];
    }
    const training = await runOnce(
      { sequenceLoss: trained.sequenceLoss, ...(trained.weights && { weights: trained.weights }) },
      { ...parameters, source, target },
    );
    expect(training.sequenceLoss).toBeAllClose(total, 1e-12);
    if (training.weights) expect(training.weights).toBeAllClose(rows, 1e-12);
  });
});
