import { expect, test } from "vitest";
import {
  decodeTrace,
  encodeTrace,
  headOf,
  lookOfRows,
  meanOfLooks,
  nestedTrace,
  placeLabels,
  rowLabels,
  rowOf,
  type Trace,
  type TraceLook,
  titleOfLook,
} from "./index.js";

const image = { width: 3, height: 2, url: "data:image/png;base64,AAAA" };
/** Steps, heads, slots. */
const [R, H, P] = [3, 2, 5];

/** Each number says where it stands: row, head, place. */
const numbered = (rows: number, heads: number, places: number): Float32Array =>
  Float32Array.from(
    { length: rows * heads * places },
    (_, index) =>
      100 * Math.floor(index / (heads * places)) +
      10 * (Math.floor(index / places) % heads) +
      (index % places),
  );

const memory: TraceLook = {
  name: "read",
  over: "memory",
  kind: "weights",
  shape: [R, H, P],
  data: numbered(R, H, P),
};
const trace: Trace = {
  places: {
    source: { kind: "tokens", labels: ["I", "love", "coffee"] },
    image: { kind: "grid", image, rows: 2, columns: 3 },
    memory: { kind: "slots", count: P, title: "slot" },
    units: { kind: "slots", count: 2, title: "unit" },
    picture: { kind: "canvas", image },
    clip: { kind: "frames", images: [image, image] },
    sound: { kind: "signal", image, count: 4, seconds: 2 },
  },
  steps: [{ label: "me" }, { label: "encanta", images: { picture: image }, seen: [image] }, { label: "■" }],
  looks: [
    lookOfRows(
      [
        [0.5, 0.25, 0.25],
        [0, 1, 0],
      ],
      { name: "attention", over: "source", kind: "weights" },
    ),
    memory,
    {
      name: "glimpse",
      over: "picture",
      kind: "windows",
      shape: [2, 1, 4],
      data: Float32Array.of(0.5, 0.25, 0.125, 1, 0, 1, 2, 3),
    },
    lookOfRows([[0, 1, 2, 3, 4, 5]], {
      name: "causal effect",
      over: "image",
      kind: "weights",
      unit: "nats",
      used: Float32Array.of(0, 0, 0, 0, 0, 1),
    }),
    lookOfRows(
      [
        [0.5, 1],
        [1, 0],
        [0, 0],
      ],
      { name: "update", over: "units", from: "source", kind: "gates" },
    ),
    lookOfRows(
      [
        [1, 0],
        [0, 1],
        [0.5, 0.5],
      ],
      { name: "reset", over: "units", from: "source", kind: "gates" },
    ),
  ],
};

test("a trace goes through JSON and back unchanged, what is no number included", () => {
  const odd: Trace = {
    ...trace,
    looks: [
      ...trace.looks,
      lookOfRows([[Number.NaN, Number.POSITIVE_INFINITY, -0, 1e-42, 0.1]], {
        name: "odd",
        over: "memory",
        kind: "weights",
      }),
    ],
  };
  const text = JSON.stringify(encodeTrace(odd));
  expect(decodeTrace(JSON.parse(text))).toEqual(odd);
  // 1 and -2 as IEEE 754 in little-endian order.
  const [look] = encodeTrace({
    ...trace,
    looks: [lookOfRows([[1, -2]], { name: "a", over: "source", kind: "weights" })],
  }).looks;
  expect(look!.data).toBe(Buffer.from([0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]).toString("base64"));
  expect(look).not.toHaveProperty("used");
});

test("numbers that are cut off or are none are named", () => {
  const coded = encodeTrace(trace);
  const [first] = coded.looks;
  const broken = (data: string) => () => decodeTrace({ ...coded, looks: [{ ...first!, data }] });
  expect(broken("AAAA")).toThrow('look "attention" of shape [2, 1, 3] should hold 24 bytes, but has 3.');
  expect(broken("§")).toThrow('"§…" should be base64, but has other letters or is cut off.');
});

test("a row, a head and the mean over heads are the numbers they name", () => {
  expect([...rowOf(memory, 2, 1)]).toEqual([210, 211, 212, 213, 214]);
  const head = headOf(memory, 1);
  expect(head.shape).toEqual([R, 1, P]);
  expect([...rowOf(head, 1)]).toEqual([110, 111, 112, 113, 114]);
  const mean = meanOfLooks([memory]);
  expect(mean.shape).toEqual([R, 1, P]);
  expect([...rowOf(mean, 2)]).toEqual([205, 206, 207, 208, 209]);
  expect(meanOfLooks([head])).toBe(head);
  expect([...rowOf(meanOfLooks([memory, head]), 0)][2]).toBeCloseTo((2 + 12 + 12) / 3, 5);
});

test("looks are called by what they go over, and rows and places by what they are", () => {
  const titles = trace.looks.map((look) => titleOfLook(look, trace.places[look.over]!));
  expect(titles).toEqual(["alignment", "memory", "glimpses", "spatial", "gates", "gates"]);
  const heads: TraceLook = { ...memory, over: "source", shape: [5, 2, 3] };
  expect(titleOfLook(heads, trace.places.source!)).toBe("heads");
  expect(rowLabels(trace, memory)).toEqual(["me", "encanta", "■"]);
  expect(rowLabels(trace, trace.looks[4]!)).toEqual(["I", "love", "coffee"]);
  expect(placeLabels(trace.places.image!, 6)[4]).toBe("row 2, column 2");
  expect(placeLabels(trace.places.sound!, 4)).toEqual(["0.00 s", "0.50 s", "1.00 s", "1.50 s"]);
});

test("as JSON for people's programs numbers are nested by axes, and all gates of a reading are one", () => {
  const [alignment, read, glimpse, effect, gates, ...rest] = nestedTrace(trace);
  expect(rest).toEqual([]);
  expect(alignment).toEqual({
    kind: "alignment",
    name: "attention",
    source: ["I", "love", "coffee"],
    target: ["me", "encanta"],
    weights: [
      [0.5, 0.25, 0.25],
      [0, 1, 0],
    ],
  });
  expect(read).toMatchObject({ kind: "memory", words: ["me", "encanta", "■"] });
  expect(read!.weights).toEqual(
    [0, 10].map((head) => [0, 100, 200].map((row) => [0, 1, 2, 3, 4].map((place) => row + head + place))),
  );
  expect(glimpse).toEqual({
    kind: "glimpses",
    name: "glimpse",
    image,
    words: ["me", "encanta"],
    windows: [[{ x: 0.5, y: 0.25, width: 0.125, height: 1 }], [{ x: 0, y: 1, width: 2, height: 3 }]],
  });
  expect(effect).toMatchObject({
    kind: "spatial",
    unit: "nats",
    grid: { rows: 2, columns: 3 },
    weights: [
      [
        [0, 1, 2],
        [3, 4, 5],
      ],
    ],
    used: [
      [
        [0, 0, 0],
        [0, 0, 1],
      ],
    ],
  });
  expect(gates).toEqual({
    kind: "gates",
    name: "gates",
    tokens: ["I", "love", "coffee"],
    gates: {
      update: [
        [0.5, 1],
        [1, 0],
        [0, 0],
      ],
      reset: [
        [1, 0],
        [0, 1],
        [0.5, 0.5],
      ],
    },
  });
});
