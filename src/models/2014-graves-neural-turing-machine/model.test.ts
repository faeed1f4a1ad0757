import { expect, test } from "vitest";
import { normals, parametersOf, runOnce } from "../../../test/run.js";
import { reachableNodes } from "../../core/index.js";
import { Mode, Scope } from "../../nn/index.js";
import { input, type ScanAttributes, scan } from "../../ops/index.js";
import { neuralTuringMachine } from "./model.js";

const [T, B, I, O] = [5, 2, 3, 7];
const sizes = { hidden: 5, places: 11, content: 2, reads: 2, writes: 3, shift: 1 };
const batch = {
  source: input("source", "float64", ["steps", "batch", I]),
  target: input("target", "float64", ["steps", "batch", O]),
  counted: input("counted", "float64", ["steps", "batch"]),
};

test("follows the paper's equations, head by head, place by place", async () => {
  const scope = Scope.root("float64");
  const configuration = neuralTuringMachine.configuration.parse({ ...sizes, controller: "feed-forward" });
  const model = neuralTuringMachine.build(scope, configuration, { source: I, target: O });
  const { looks, losses } = model.objective(batch, Mode.plain({ dtype: "float64" }));
  const parameters = Object.fromEntries(
    Object.entries(parametersOf(scope)).map(([name, { shape }]) => [name, normals(name, shape)]),
  );
  const bits = (name: string, width: number) => {
    const value = normals(name, [T, B, width]);
    return { ...value, data: Float64Array.from(value.data, (x) => (x > 0 ? 1 : 0)) };
  };
  const feeds = {
    source: bits("source", I),
    target: bits("target", O),
    counted: { dtype: "float64", shape: [T, B], data: new Float64Array(T * B).fill(1) } as const,
  };
  const found = await runOnce(
    { losses, readAt: looks!.read!.value, writtenAt: looks!.write!.value },
    { ...parameters, ...feeds },
  );

  const { hidden: H, places: N, content: W, reads: R, writes: S } = sizes;
  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  const softplus = (x: number) => Math.log(1 + Math.exp(x));
  const normalised = (values: number[]) => {
    const total = values.reduce((a, b) => a + b);
    return values.map((value) => value / total);
  };
  const softmax = (values: number[]) => normalised(values.map(Math.exp));
  const row = (data: ArrayLike<number>, index: number, size: number) =>
    Array.from(data).slice(index * size, (index + 1) * size);
  const affine = (x: number[], name: string, width: number) => {
    const [weight, bias] = [parameters[`${name}.weight`]!.data, parameters[`${name}.bias`]?.data];
    return Array.from({ length: width }, (_, unit) =>
      x.reduce((sum, value, k) => sum + value * weight[k * width + unit]!, bias?.[unit] ?? 0),
    );
  };
  for (let b = 0; b < B; b++) {
    let memory = Array.from({ length: N }, () => new Array<number>(W).fill(1e-6));
    let weights = Array.from({ length: R + S }, (_, head) =>
      softmax(row(parameters["start.position"]!.data, head, N)),
    );
    const read = () =>
      weights
        .slice(0, R)
        .flatMap((w) =>
          Array.from({ length: W }, (_, f) => w.reduce((sum, x, i) => sum + x * memory[i]![f]!, 0)),
        );
    let seen = read();
    for (let t = 0; t < T; t++) {
      const [fed, from] = [
        affine(row(feeds.source.data, t * B + b, I), "controller.input", H),
        affine(seen, "context", H),
      ];
      const h = fed.map((value, unit) => Math.tanh(value + from[unit]!));
      const heading = affine(h, "heads", (R + S) * (W + 6));
      weights = weights.map((before, head) => {
        const said = row(heading, head, W + 6);
        const key = said.slice(0, W).map(Math.tanh);
        const [beta, gamma, g] = [softplus(said[W]!), 1 + softplus(said[W + 1]!), sigmoid(said[W + 2]!)];
        const s = softmax(said.slice(W + 3));
        const content = softmax(
          memory.map(
            (place) =>
              (beta * key.reduce((sum, value, f) => sum + value * place[f]!, 0)) /
              (Math.hypot(...key, 1e-6) * Math.hypot(...place, 1e-6)),
          ),
        );
        const mixed = content.map((c, i) => g * c + (1 - g) * before[i]!);
        const moved = mixed.map((_, i) =>
          s.reduce((sum, share, k) => sum + share * mixed[(i - (k - 1) + N) % N]!, 0),
        );
        return normalised(moved.map((w) => (w + 1e-12) ** gamma));
      });
      seen = read();
      const writing = affine(h, "writing", S * 2 * W);
      const written = weights.slice(R).map((w, head) => {
        const said = row(writing, head, 2 * W);
        return { w, erase: said.slice(0, W).map(sigmoid), added: said.slice(W).map(Math.tanh) };
      });
      memory = memory.map((place, i) =>
        place.map((content, f) => {
          const kept = written.reduce((value, { w, erase }) => value * (1 - w[i]! * erase[f]!), content);
          return written.reduce((value, { w, added }) => value + w[i]! * added[f]!, kept);
        }),
      );
      const target = row(feeds.target.data, t * B + b, O);
      const loss = affine([...h, ...seen], "output", O)
        .map((logit, bit) => -Math.log(target[bit] === 1 ? sigmoid(logit) : 1 - sigmoid(logit)))
        .reduce((x, y) => x + y);
      const at = t * B + b;
      expect(row(found.readAt!.data, at, R * N)).toBeAllClose(weights.slice(0, R).flat(), 1e-11);
      expect(row(found.writtenAt!.data, at, S * N)).toBeAllClose(weights.slice(R).flat(), 1e-11);
      expect([found.losses!.data[at]!]).toBeAllClose([loss], 1e-11);
    }
  }
});

test("is one loop, in which nothing is computed that could be before or after it", () => {
  const model = neuralTuringMachine.build(
    Scope.root("float64"),
    neuralTuringMachine.configuration.parse(sizes),
    {
      source: I,
      target: O,
    },
  );
  const { loss } = model.objective(batch, Mode.training({ dtype: "float64" }));
  const loops = reachableNodes([loss]).filter((node) => node.operation === scan.operation);
  expect(loops).toHaveLength(1);
  const { body } = loops[0]!.attributes as unknown as ScanAttributes;
  // The state's and what was read's share of the controller; heads; keys with the memory; reading; what heads say of writing;
  // an outer product for each of three heads, and the sum of what they add. Input and output are outside.
  const products = reachableNodes(body.results).filter((node) => node.operation.name === "matmul");
  expect(products).toHaveLength(10);
});

test("a memory that is too small to move over is named", () => {
  const configuration = neuralTuringMachine.configuration.parse({ places: 4, shift: 2 });
  expect(() => neuralTuringMachine.build(Scope.root(), configuration, { source: I, target: O })).toThrow(
    "a head that moves by up to 2 places either way goes round a memory of 4 more than once; set places to 5 or more, or shift lower.",
  );
});
