import { describe, expect, test } from "vitest";
import type { AlignmentTrace, AttentionTrace, SpatialTrace } from "../attention/index.js";
import { encodeTrace, lookOfRows } from "../attention/trace.js";
import {
  AttentionTrajectory,
  alignmentText,
  DiagnosisReport,
  dark,
  drawable,
  GrowthCurves,
  gatesText,
  LearningCurves,
  lapseSvg,
  pageOf,
  Ribbon,
  ScoreByLength,
  spatialText,
  svgOf,
  toHtml,
  toSvg,
  wordFrames,
} from "./index.js";

const trace: AlignmentTrace = {
  kind: "alignment",
  source: ["I", "love", "coffee", "■"],
  target: ["me", "encanta", "el", "café", "■"],
  weights: [
    [0.9, 0.06, 0.04, 0],
    [0.1, 0.8, 0.1, 0],
    [0, 0.01, 0.98, 0.01],
    [0, 0, 1, 0],
    [0, 0, 0.25, 0.75],
  ],
};

test("the alignment matrix is drawn as it was", async () => {
  await expect(toSvg(trace, { title: "I love coffee → Me encanta el café" })).toMatchFileSnapshot(
    "pictures/alignment.svg",
  );
  await expect(toSvg(trace, { theme: dark })).toMatchFileSnapshot("pictures/alignment-dark.svg");
});

test("gates are drawn as they were, units that are open most at the top", async () => {
  const gates: AttentionTrace = {
    kind: "gates",
    tokens: ["the", "dog", "internationalisation"],
    gates: {
      "forward update": [
        [0.1, 0.9],
        [0.3, 0.7],
        [0.5, 1],
      ],
    },
  };
  const svg = toSvg(gates, { title: "the dog" });
  await expect(svg).toMatchFileSnapshot("pictures/gates.svg");
  expect(svg).toContain("<title>forward update, dog: 0.500 open on average</title>");
  expect(svg).toContain("how much of the state this word replaces");
  expect(svg.indexOf('fill-opacity="0.9"')).toBeLessThan(svg.indexOf('fill-opacity="0.1"'));
  expect(gatesText(gates, { colour: false, width: 100 })).toBe(
    ["                the   dog   internationalisation", "forward update  ▄ 0.50▄ 0.50▆ 0.75"].join("\n"),
  );
});

test("ribbons are drawn as they were, as wide as their weights, and one word can be brought out", async () => {
  const svg = svgOf(<Ribbon trace={trace} title="I love coffee" />);
  await expect(svg).toMatchFileSnapshot("pictures/ribbon.svg");
  expect(svg.match(/<path/g)).toHaveLength(trace.weights.flat().filter((weight) => weight >= 0.03).length);
  expect(svg).toContain('stroke-width="8"');
  const one = svgOf(<Ribbon trace={trace} selected={3} />);
  expect(one.match(/stroke-opacity="0.06"/g)!.length).toBe(svg.match(/<path/g)!.length - 1);
});

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

test("a time-lapse moves by itself, one frame at a time", async () => {
  const frames = [0.2, 0.5, 1].map((share, index) => ({
    title: `step ${index}`,
    trace: { ...trace, weights: trace.weights.map((row) => row.map((weight) => weight * share)) },
  }));
  const svg = lapseSvg(frames, { seconds: 0.5 });
  await expect(svg).toMatchFileSnapshot("pictures/time-lapse.svg");
  expect(svg.match(/<animate /g)).toHaveLength(3);
  expect(svg).toContain('dur="3.50s"');
  expect(svg).not.toContain("<script");
  expect(lapseSvg(frames.slice(0, 1), { seconds: 1 })).not.toContain("<animate");
});

test("scores by length are drawn as they were, a line and a shape for each model", async () => {
  const scores = (values: number[]) =>
    values.map((score, index) => ({ from: 5 * index + 1, to: 5 * index + 5, examples: 7 + index, score }));
  const svg = svgOf(
    <ScoreByLength
      measure="BLEU"
      title="BLEU by source length"
      series={[
        { name: "with attention", scores: scores([98, 97, 95, 91]) },
        { name: "without", scores: scores([97, 88, 61, 34]) },
      ]}
    />,
  );
  await expect(svg).toMatchFileSnapshot("pictures/score-by-length.svg");
  expect(svg.match(/<circle/g)).toHaveLength(4);
  expect(svg).toContain("<title>without, 10 examples: 34.0</title>");
});

test("every weight is a cell, and text stays text", () => {
  const svg = toSvg(trace);
  expect(svg.match(/fill-opacity=/g)).toHaveLength(20);
  expect(svg).toContain("<title>café ← coffee: 1.000</title>");
  for (const word of [...trace.source, ...trace.target]) expect(svg).toMatch(new RegExp(`>${word}</text>`));
});

test("markup in words is text, not markup", () => {
  const svg = toSvg({ ...trace, source: ["<b>", "&", '"', "■"] });
  expect(svg).not.toContain("<b>");
  expect(svg).toContain("&lt;b&gt;");
});

test("a long text still fits, and a page needs nothing else", () => {
  const words = Array.from({ length: 120 }, (_, index) => `w${index}`);
  const long: AlignmentTrace = {
    kind: "alignment",
    source: words,
    target: words,
    weights: words.map((_, row) => words.map((__, column) => (row === column ? 1 : 0))),
  };
  expect(Number(/width="(\d+)"/.exec(toSvg(long))![1])).toBeLessThan(1400);
  const page = toHtml("A page", [{ heading: "One", trace }]);
  expect(page).toMatch(/^<!doctype html>\n<html lang="en">/);
  expect(page).not.toMatch(/(src|href)="http/);
});

test("a kind of trace without a view says so", () => {
  expect(() => toSvg({ kind: "memory", heads: {} })).toThrow(
    'there is no view yet for a trace of kind "memory".',
  );
});

test("the terminal shows shades without colour, and numbers columns that do not fit", () => {
  expect(alignmentText(trace, { colour: false, width: 100 })).toBe(
    [
      "           I    love  coffee   ■",
      "     me  ██0.90  0.06   0.04",
      "encanta    0.10▓▓0.80   0.10",
      "     el          0.01 ██0.98   0.01",
      "   café               ██1.00",
      "      ■               ░░0.25 ▓▓0.75",
    ].join("\n"),
  );
  const narrow = alignmentText(trace, { colour: false, width: 24 });
  expect(narrow.split("\n")[0]).toMatch(/1 +2 +3 +4/);
  expect(narrow).toContain("1 I  2 love  3 coffee  4 ■");
  expect(alignmentText(trace, { colour: true, width: 100 })).toContain("\u001b[48;2;120;190;255m");
});

const maps: SpatialTrace = {
  kind: "spatial",
  image: {
    width: 3,
    height: 2,
    url: "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAIAAAASFvFNAAAAEklEQVR4nGP4z8DAAMT/wRQDAwAn2gP9tP0AuQAAAABJRU5ErkJggg==",
  },
  grid: { rows: 2, columns: 3 },
  words: ["a", "circle", "■"],
  weights: [
    [
      [0.5, 0.1, 0.1],
      [0.1, 0.1, 0.1],
    ],
    [
      [0, 0, 0],
      [0, 0, 1],
    ],
    [
      [0.2, 0.2, 0.2],
      [0.2, 0.1, 0.1],
    ],
  ],
};

test("maps over an image are drawn as they were, smooth and as a grid, and as a path", async () => {
  const smooth = toSvg(maps, { title: "photo.jpg\n→ a circle" });
  await expect(smooth).toMatchFileSnapshot("pictures/maps.svg");
  const grid = toSvg(maps, { style: "grid", theme: dark });
  await expect(grid).toMatchFileSnapshot("pictures/maps-grid.svg");
  await expect(svgOf(<AttentionTrajectory trace={maps} title="a circle" />)).toMatchFileSnapshot(
    "pictures/trajectory.svg",
  );
  expect(smooth).toContain("feGaussianBlur");
  expect(grid).not.toContain("feGaussianBlur");
  // The place that was looked at most is not veiled at all: five cells are, of the word that looked at one.
  const names = [...grid.matchAll(/id="([^"]+)"/g)].map(([, id]) => id);
  expect(new Set(names).size).toBe(names.length);
  expect(smooth).toContain("<title>circle: 1.000 at the place it looked at most</title>");
});

test("maps move word by word, and are shown as text", () => {
  const moving = lapseSvg(wordFrames(maps, "a circle"), { seconds: 0.5 });
  expect(moving.match(/<animate /g)).toHaveLength(3);
  expect(moving).toContain('fill-opacity="0.78"');
  expect(spatialText(maps, { colour: false, width: 60 })).toBe(
    ["a         circle    ■", "██░░░░              ██████", "░░░░░░        ██    ██▒▒▒▒"].join("\n"),
  );
});

test("a diagnosis is a page with a card for each mistake, in sections by kind", () => {
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
            trace: encodeTrace({
              places: { source: { kind: "grid", image: maps.image, rows: 2, columns: 3 } },
              steps: maps.words.map((label) => ({ label })),
              looks: [
                lookOfRows(
                  maps.weights.map((map) => map.flat()),
                  { name: "attention", over: "source", kind: "weights" },
                ),
              ],
            }),
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

describe("whatever a text holds, it can be drawn", () => {
  const drawn = (source: readonly string[], title?: string) =>
    toSvg(
      {
        kind: "alignment",
        source,
        target: source,
        weights: source.map((_, row) => source.map((__, column) => (row === column ? 1 : 0))),
      },
      title === undefined ? {} : { title },
    );
  const width = (svg: string) => Number(/ width="([\d.]+)"/.exec(svg)![1]);

  test("control characters and halves of letters are shown as pictures of themselves", () => {
    for (let code = 0; code < 0x20; code++)
      expect(drawable(`a${String.fromCharCode(code)}b`)).toBe(`a${String.fromCharCode(0x2400 + code)}b`);
    expect(drawable("a\x7fb\x9bc\ud800d\uffffe")).toBe("a␡b�c�d�e");
    expect(drawable("naïve 😀 👩‍👩‍👧 日本")).toBe("naïve 😀 👩‍👩‍👧 日本");
    const svg = drawn(["a\0b", "\x1b[31mred", "\udfff", "ok"], "a\x08 title");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
    expect(svg).not.toMatch(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])/);
  });

  test.each([100, 3000, 100_000])("a word of %i letters has its middle left out", (letters) => {
    const svg = drawn(["short", "x".repeat(letters)], `a heading ${"y".repeat(letters)}`);
    expect(width(svg)).toBeLessThan(1500);
    expect(svg).toContain("xxx…xxx");
    expect(drawable("😀".repeat(letters))).toMatch(/^😀+…😀+$/u);
  });

  test("many words make a picture that a page still holds", () => {
    const words = Array.from({ length: 490 }, (_, index) => `word${index}`);
    expect(width(drawn(words, words.join(" ")))).toBeLessThan(6000);
  });
});

const effect: AlignmentTrace = {
  kind: "alignment",
  source: ["I", "love", "coffee"],
  target: ["me", "encanta"],
  weights: [
    [12.5, -0.75, 0.002],
    [0.4, 6.25, -3.25],
  ],
  scores: { title: "causal effect", unit: "nats" },
};

test("scores are shown as they are, in their unit, and their shades say that they are relative", async () => {
  const svg = toSvg(effect, { title: "I love coffee" });
  await expect(svg).toMatchFileSnapshot("pictures/effect.svg");
  for (const told of [
    "<title>me ← I: 12.500 nats</title>",
    "<title>encanta ← coffee: -3.250 nats</title>",
    "Drawn by share of the greatest causal effect, 12.50 nats.",
    "The causal effect of each word of “me encanta” over “I love coffee”",
  ])
    expect(svg).toContain(told);
  // Half as dark as the greatest, with its own number.
  expect(svg).toMatch(/fill-opacity="0.5"><\/rect>(?:<rect[^>]*><\/rect>)?<text[^>]*>6\.25<\/text>/);
  expect(alignmentText(effect, { colour: false, width: 100 })).toBe(
    [
      "            I    love   coffee",
      "     me  ██12.50  -0.75",
      "encanta    0.40 ▒▒6.25   -3.25",
      "",
      "Drawn by share of the greatest causal effect, 12.50 nats.",
    ].join("\n"),
  );
  const ribbon = svgOf(<Ribbon trace={effect} />);
  expect(ribbon).toContain("<title>encanta ← love: 6.250 nats</title>");
  expect(ribbon.match(/<path/g)).toHaveLength(3);
});

test("scores of places tell the greatest of each word, which its map is drawn by", () => {
  const scored: SpatialTrace = {
    ...maps,
    weights: maps.weights.map((rows) => rows.map((row) => row.map((weight) => 8 * weight - 1))),
    scores: { title: "causal effect", unit: "nats" },
  };
  const greatest = scored.weights.map((rows) => Math.max(...rows.flat()).toFixed(3));
  const svg = toSvg(scored);
  scored.words.forEach((word, step) => {
    expect(svg).toContain(
      `<title>${word}: ${greatest[step]} nats at the place with the greatest causal effect</title>`,
    );
  });
  const note =
    "Each map is drawn by share of its greatest causal effect, the number below its word, in nats.";
  expect(svg).toContain(note);
  const text = spatialText(scored, { colour: false, width: 100 }).split("\n");
  expect(text[1]!.trim().split(/ +/)).toEqual(greatest);
  expect(text.at(-1)).toBe(note);
  expect(toSvg(maps)).not.toContain("nats");
});
