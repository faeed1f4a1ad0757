import { expect, test } from "vitest";
import { encodeTrace, lookOfRows } from "../attention/index.js";
import {
  DiagnosisReport,
  drawable,
  GrowthCurves,
  LearningCurves,
  ModelDrawing,
  pageOf,
  ScoreByLength,
  svgOf,
} from "./index.js";

test("learning curves are drawn as they were, and ten thousand points keep their peaks in few", async () => {
  const curve = (length: number) =>
    Array.from({ length }, (_, index) => ({
      step: 10 * (index + 1),
      value: 5 / (1 + index) + (index === 6007 ? 3 : 0),
    }));
  const svg = svgOf(
    <LearningCurves
      measure="nats"
      title="Loss"
      curves={[
        { name: "training", points: curve(23) },
        {
          name: "validation",
          marked: true,
          points: curve(3).map(({ step, value }) => ({ step: 70 * step, value })),
        },
      ]}
    />,
  );
  await expect(svg).toMatchFileSnapshot("pictures/learning-curves.svg");
  expect(svg.match(/<circle/g)).toHaveLength(3);
  const many = svgOf(
    <LearningCurves measure="nats" curves={[{ name: "training", points: curve(10_000) }]} />,
  );
  const points = /points="([^"]*)"/.exec(many)![1]!.split(" ");
  expect(points.length).toBeLessThan(1300);
  const heights = points.map((point) => Number(point.split(",")[1]));
  const late = heights.slice(Math.floor(heights.length / 2));
  expect(Math.min(...late)).toBeLessThan(Math.max(...late) - 90);
  expect(svgOf(<LearningCurves measure="nats" curves={[]} />)).toContain("step");
});

test("scores by length are drawn as they were, a line and a shape for each model", async () => {
  const scores = (values: number[]) =>
    values.map((score, index) => ({ from: 5 * index + 1, to: 5 * index + 5, examples: 7 + index, score }));
  const svg = svgOf(
    <ScoreByLength
      measure="BLEU"
      title="BLEU by source length"
      series={[
        {
          name: "with attention",
          scores: scores([98, 97, 95, 91]).map((one) => ({
            ...one,
            low: one.score - 5,
            high: one.score + 1.5,
          })),
        },
        { name: "without", scores: scores([97, 88, 61, 34]) },
      ]}
    />,
  );
  await expect(svg).toMatchFileSnapshot("pictures/score-by-length.svg");
  // What is scored stands above its numbers; where it is longer than they are, it begins where the picture does.
  expect(svg).toMatch(/<text x="48" [^>]*text-anchor="end"[^>]*>BLEU</);
  const long = svgOf(<ScoreByLength measure="sequences without an error" series={[]} />);
  expect(long).toMatch(/<text x="8" [^>]*text-anchor="start"[^>]*>sequences without an error</);
  expect(svg.match(/<circle/g)).toHaveLength(4);
  expect(svg).toContain("<title>without, 10 examples: 34.0</title>");
  // An interval where it is known; the axis begins below the least score, and says how many examples each is of.
  expect(svg).toContain("<title>with attention, 7 examples: 98.0 (93.0 to 99.5)</title>");
  expect(svg.match(/<path [^>]*stroke-width="1.3"/g)).toHaveLength(4);
  const levels = [...svg.matchAll(/>(\d+)<\/text>/g)].map(([, level]) => Number(level));
  expect(levels).toEqual([20, 40, 60, 80, 100]);
  const counts = [...svg.matchAll(/>(\d+)<title>\1 examples</g)].map(([, count]) => Number(count));
  expect(counts).toEqual([7, 8, 9, 10]);
});

const image = {
  width: 3,
  height: 2,
  url: "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAIAAAASFvFNAAAAEklEQVR4nGP4z8DAAMT/wRQDAwAn2gP9tP0AuQAAAABJRU5ErkJggg==",
};

test("a diagnosis is a page with a card for each mistake, in sections by kind", () => {
  const trace = encodeTrace({
    places: { source: { kind: "grid", image, rows: 2, columns: 3 } },
    steps: [{ label: "a" }, { label: "circle" }],
    looks: [
      lookOfRows(
        [
          [0.5, 0.1, 0.1, 0.1, 0.1, 0.1],
          [0, 0, 0, 0, 0, 1],
        ],
        { name: "attention", over: "source", kind: "weights" },
      ),
    ],
  });
  const page = pageOf(
    "Mistakes",
    <DiagnosisReport
      diagnosis={{
        examples: 10,
        wrong: 1,
        by: "gold",
        maps: "attention",
        kinds: [
          { kind: "wrong name", title: "It looked right and named wrongly", images: 1 },
          { kind: "missed", title: "It left something out", images: 0 },
        ],
        images: [
          {
            index: 3,
            name: "test 3",
            output: "A circle",
            references: ["a square"],
            mistakes: [{ kind: "wrong name", words: [1], sentence: "“a circle” looked at a square." }],
            trace,
          },
        ],
      }}
    />,
  );
  expect(page).toContain("1 of 10 captions have a mistake, by what is in the images.");
  expect(page).toContain("where “circle” looked");
  expect(page.match(/<article/g)).toHaveLength(1);
});

test("growth is a straight line where it is a power law, whatever the size", () => {
  const points = [20, 40, 80].map((x) => ({ x, y: 0.5 * x ** 2 }));
  const svg = svgOf(
    <GrowthCurves
      size="length"
      title="Time by length"
      series={[
        { name: "regard", exponent: 2, points },
        { name: "a peer", exponent: 1, points: points.map(({ x }) => ({ x, y: 30 * x })) },
      ]}
    />,
  );
  expect(svg).toContain("regard: length^2.00");
  const [line] = [...svg.matchAll(/points="([^"]+)"/g)].map(([, text]) =>
    text!.split(" ").map((point) => point.split(",").map(Number) as [number, number]),
  );
  const [[x0, y0], [x1, y1], [x2, y2]] = line as [[number, number], [number, number], [number, number]];
  expect((y1 - y0) / (x1 - x0)).toBeCloseTo((y2 - y1) / (x2 - x1), 6);
  expect(y1).toBeLessThan(y0);
});

test("control characters and halves of letters are shown as pictures of themselves, long words without their middle", () => {
  for (let code = 0; code < 0x20; code++)
    expect(drawable(`a${String.fromCharCode(code)}b`)).toBe(`a${String.fromCharCode(0x2400 + code)}b`);
  expect(drawable("a\x7fb\x9bc\ud800d\uffffe")).toBe("a␡b�c�d�e");
  expect(drawable("naïve 😀 👩‍👩‍👧 日本")).toBe("naïve 😀 👩‍👩‍👧 日本");
  for (const letters of [100, 3000, 100_000]) expect(drawable("😀".repeat(letters))).toMatch(/^😀+…😀+$/u);
});

test("a model is drawn in layers, with arrows from what each part reads and dashed ones from the step before", async () => {
  const parts = [
    { id: "words", title: "Word vectors", from: ["source"], gives: "[S, B, E]", facts: "7 parameters" },
    { id: "encoder", title: "Encoder", from: ["words"], gives: "[S, B, H]" },
    { id: "attention", title: "Attention", from: ["encoder", "decoder"], gives: "[B, S]" },
    { id: "decoder", title: "Decoder", from: ["attention", "words"], gives: "[B, H]" },
  ];
  const svg = svgOf(<ModelDrawing model="small" parts={parts} />);
  await expect(svg).toMatchFileSnapshot("pictures/model-drawing.svg");
  // Four edges within the step, one of them past two layers, and one from the step before.
  expect(svg.match(/<title>/g)).toHaveLength(5);
  expect(svg.match(/stroke-dasharray/g)).toHaveLength(1);
  expect(svg).toContain("<title>decoder → attention, from the step before</title>");
  expect(svg).not.toContain("button");
  const heights = parts.map(({ title }) => Number(new RegExp(`y="(\\d+)"[^>]*>${title}<`).exec(svg)![1]));
  expect(heights).toEqual([...heights].sort((a, b) => a - b));
  expect(new Set(heights).size).toBe(4);
});
