import { expect, test } from "vitest";
import { lookOfRows, type Places, type Trace, type TraceLook } from "../../attention/index.js";
import { pngUrl } from "../../core/index.js";
import { dark, svgOf } from "../index.js";
import {
  type Drawing,
  Drawn,
  distinctAsText,
  drawPicture,
  LookView,
  mainPicture,
  momentsOf,
  movingSvg,
  type Picture,
  pictureSvg,
  picturesOf,
  picturesPage,
  pictureText,
} from "./index.js";
import { channelSums } from "./mechanics.js";

const PLAIN = { colour: false, width: 100 };
const [width, height] = [3, 2];
const image = {
  width,
  height,
  url: pngUrl({ width, height, data: Uint8Array.from({ length: 18 }, (_, index) => 14 * index) }),
};

const of = (places: Trace["places"], steps: readonly string[], ...looks: readonly TraceLook[]): Trace => ({
  places,
  steps: steps.map((label) => ({ label })),
  looks,
});
const only = (trace: Trace): Picture => {
  const pictures = picturesOf(trace);
  expect(pictures).toHaveLength(1);
  return pictures[0]!;
};
const draw = (trace: Trace, options = {}) => pictureSvg(trace, only(trace), options);
const tokens = (labels: readonly string[]): Places => ({ kind: "tokens", labels });

const sentence = of(
  { source: tokens(["I", "love", "coffee", "■"]) },
  ["me", "encanta", "el", "café", "■"],
  lookOfRows(
    [
      [0.9, 0.06, 0.04, 0],
      [0.1, 0.8, 0.1, 0],
      [0, 0.01, 0.98, 0.01],
      [0, 0, 1, 0],
      [0, 0, 0.25, 0.75],
    ],
    { name: "attention", over: "source", kind: "weights" },
  ),
);

const grid: Places = { kind: "grid", image, rows: 2, columns: 3 };
const maps = of(
  { image: grid },
  ["a", "circle", "■"],
  lookOfRows(
    [
      [0.5, 0.1, 0.1, 0.1, 0.1, 0.1],
      [0, 0, 0, 0, 0, 1],
      [0.2, 0.2, 0.2, 0.2, 0.1, 0.1],
    ],
    { name: "map", over: "image", kind: "weights" },
  ),
);

test("alignments are drawn as they were, as a matrix, as ribbons, and in the dark", async () => {
  await expect(draw(sentence, { title: "I love coffee → Me encanta el café" })).toMatchFileSnapshot(
    "../pictures/alignment.svg",
  );
  await expect(draw(sentence, { theme: dark })).toMatchFileSnapshot("../pictures/alignment-dark.svg");
  const svg = draw(sentence, { view: "ribbon", title: "I love coffee" });
  await expect(svg).toMatchFileSnapshot("../pictures/ribbon.svg");
  const one = draw(sentence, { view: "ribbon", selected: 3 });
  expect(one.match(/stroke-opacity="0.06"/g)!.length).toBe(svg.match(/<path/g)!.length - 1);
});

test("maps over an image are drawn as they were, smooth and as a grid, and as a path", async () => {
  const smooth = draw(maps, { title: "photo.jpg\n→ a circle" });
  await expect(smooth).toMatchFileSnapshot("../pictures/maps.svg");
  await expect(draw(maps, { style: "grid", theme: dark })).toMatchFileSnapshot("../pictures/maps-grid.svg");
  await expect(draw(maps, { view: "path", title: "a circle" })).toMatchFileSnapshot("../pictures/path.svg");
  const names = [...smooth.matchAll(/id="([^"]+)"/g)].map(([, id]) => id);
  expect(new Set(names).size).toBe(names.length);
});

test("gates of one reading are one picture, drawn as they were", async () => {
  const gate = (name: string, rows: number[][]) =>
    lookOfRows(rows, { name, over: `units of ${name}`, from: "source", kind: "gates" });
  const rows = [
    [0.1, 0.9],
    [0.3, 0.7],
    [0.5, 1],
  ];
  const source = tokens(["the", "dog", "internationalisation"]);
  const units: Places = { kind: "slots", count: 2, title: "unit" };
  const trace = of({ source, "units of forward update": units }, [], gate("forward update", rows));
  await expect(draw(trace, { title: "the dog" })).toMatchFileSnapshot("../pictures/gates.svg");
  expect(pictureText(trace, only(trace), PLAIN)).toBe(
    [
      "                the   dog   internationalisation",
      "forward update  ▄ 0.50▄ 0.50▆ 0.75",
      "",
      // Units keep (0.9, 0.7, 0.5) and (0.1, 0.3, 0): half is gone after 1.8 and 0 steps.
      "forward update  half is gone after 0.9 steps (0.5 to 1.4)",
    ].join("\n"),
  );
  const two = {
    ...trace,
    places: { ...trace.places, "units of reset": units },
    looks: [...sentence.looks, ...trace.looks, gate("reset", rows)],
  };
  const pictures = picturesOf(two);
  expect(pictures.map(({ name, looks }) => [name, looks.length])).toEqual([
    ["attention", 1],
    ["gates", 2],
  ]);
  expect(mainPicture(pictures)!.name).toBe("attention");
  expect(mainPicture(pictures.slice(1))!.name).toBe("gates");
});

const effect = of(
  { source: tokens(["I", "love", "coffee"]) },
  ["me", "encanta"],
  lookOfRows(
    [
      [12.5, -0.75, 0.002],
      [0.4, 6.25, -3.25],
    ],
    { name: "causal effect", over: "source", kind: "weights", unit: "nats" },
  ),
);

test("scores are shown in their unit, by share of the greatest, and what is below 0 in a colour of its own", async () => {
  const svg = draw(effect, { title: "I love coffee" });
  await expect(svg).toMatchFileSnapshot("../pictures/effect.svg");
  for (const told of [
    "<title>me ← I: 12.500 nats</title>",
    "<title>encanta ← coffee: -3.250 nats</title>",
    "Drawn by share of the greatest causal effect, 12.50 nats; orange is below 0.",
    "The causal effect of each word of “me encanta” over “I love coffee”",
  ])
    expect(svg).toContain(told);
  // Half as dark as the greatest, with its own number; a quarter as dark where it is 3.25 below 0.
  expect(svg).toMatch(
    /fill="#0b4f9e" fill-opacity="0.5"><\/rect>(?:<rect[^>]*><\/rect>)?<text[^>]*>6\.25<\/text>/,
  );
  expect(svg).toMatch(/fill="#c2500b" fill-opacity="0.26"><\/rect><text[^>]*>-3\.25<\/text>/);
  expect(pictureText(effect, only(effect), PLAIN)).toBe(
    [
      "            I    love   coffee",
      "     me  ██12.50  -0.75",
      "encanta    0.40 ▒▒6.25   -3.25",
      "",
      "Drawn by share of the greatest causal effect, 12.50 nats.",
    ].join("\n"),
  );
  expect(only(effect).heading).toBe("Causal effect, in nats");
  expect(draw(effect, { view: "ribbon" }).match(/<path/g)).toHaveLength(5);
});

test("scores of an image's places tell the greatest of each step, which its map is drawn by", () => {
  const scored: Trace = {
    ...maps,
    looks: maps.looks.map((look) => ({
      ...look,
      name: "causal effect",
      unit: "nats",
      data: look.data.map((weight) => 8 * weight - 1),
    })),
  };
  const svg = draw(scored);
  for (const [step, greatest] of ["3.000", "7.000", "0.600"].entries())
    expect(svg).toContain(
      `<title>${scored.steps[step]!.label}: ${greatest} nats at the place with the greatest causal effect</title>`,
    );
  const text = pictureText(scored, only(scored), PLAIN).split("\n");
  expect(text[1]!.trim().split(/ +/)).toEqual(["3.000", "7.000", "0.600"]);
  const note =
    "Each map is drawn by share of its greatest causal effect, the number below its word, in nats.";
  expect(text.at(-1)).toBe(note);
  expect(svg).toContain(note);
  expect(svg).toContain("causal effect, nats");
});

test("a map has a scale with its unit, a line at half of its greatest, and lets its image through as is asked", () => {
  const [svg, sheer] = [draw(maps), draw(maps, { opacity: 0.2 })];
  for (const told of [
    "attention weight, share of 1",
    ">half<",
    ">greatest<",
    ">0.500<",
    ">1.000<",
    ">0.200<",
  ])
    expect(svg).toContain(told);
  expect(svg.match(/<g opacity="0.8">/g)).toHaveLength(3);
  expect(sheer.match(/<g opacity="0.2">/g)).toHaveLength(3);
  expect(sheer).toContain('fill-opacity="0.2"');
  // Half of each channel's part of the luma.
  expect(svg.match(/<feColorMatrix values="0.1063 0.3576 0.0361 /g)).toHaveLength(3);
  // As a grid the line runs along the cells: around the last of 2 × 3, and around the first.
  const lines = [
    ...draw(maps, { style: "grid" }).matchAll(/<path d="([^"]+)" stroke="#ffffff" stroke-width="1.5"/g),
  ].map(([, line]) => line!);
  expect(lines[1]).toBe("M100 50L100 100L150 100L150 50L100 50");
  expect(lines[0]).toBe("M0 0L0 50L50 50L50 0L0 0");
  // What has no weight at all is grey, without a line.
  const none = draw({ ...maps, looks: maps.looks.map((look) => ({ ...look, data: new Float32Array(18) })) });
  expect(none).not.toContain('<g opacity="0.8">');
  expect(none.match(/<feColorMatrix /g)).toHaveLength(3);
  const moment = momentsOf(maps, only(maps))[1]!;
  expect(svgOf(<Drawn drawing={moment} />)).toContain(">1.000<");
});

/** Two channels of five, which the places have alike at every step, and what comes of them. */
const features = [
  [1, -2],
  [0, 4],
  [3, 0],
  [-1, 1],
  [0, 0],
  [2.5, -0.5],
];
const [weightsOfMaps] = maps.looks as [TraceLook];
const weighed: Trace = {
  ...maps,
  looks: [
    {
      ...weightsOfMaps,
      weighed: {
        channels: [3, 0],
        features: 5,
        by: weightsOfMaps.data,
        values: Float32Array.from(features.flat()),
        // 0.5 × 1 + 0.1 × (0 + 3 − 1 + 0 + 2.5) = 0.95, and so on by hand.
        pooled: Float32Array.from([0.95, -0.55, 2.5, -0.5, 0.85, 0.55]),
      },
    },
  ],
};

test("the mechanics of a step are its features, weights, products and sums, in pictures and numbers", async () => {
  const picture = only(weighed);
  expect(picture.views).toEqual(["maps", "path", "mechanics"]);
  const svg = pictureSvg(weighed, picture, {
    view: "mechanics",
    selected: 0,
    title: "photo.jpg\n→ a circle",
  });
  await expect(svg).toMatchFileSnapshot("../pictures/mechanics.svg");
  for (const told of [
    ">feature layer</text>",
    ">6 places × 5</text>",
    ">add up to 1.000; row 1, column 1 most</text>",
    ">the sum over 6 places: 5 numbers</text>",
    ">channel 4</text>",
    ">0.500 × 1.00 + 0.100 × 3.00 + 0.100 × 2.50 + −0.100 (3 more) = 0.950</text>",
    ">0.500 × −2.00 + 0.100 × 4.00 + 0.100 × 1.00 + −0.050 (3 more) = −0.550</text>",
    ">The 2 of 5 channels that are strongest over all steps are shown.</text>",
  ])
    expect(svg).toContain(told);
  for (let row = 0; row < 3; row++)
    for (const { sum, pooled } of channelSums(weighed.looks[0]!, row)) expect(sum).toBeCloseTo(pooled!, 6);
  // The step with the greatest weight, where none is asked for.
  const drawing = drawPicture(weighed, picture, { view: "mechanics" });
  expect(drawing.label).toMatch(/^How “circle” came by/);
  expect(pictureText(weighed, picture, { ...PLAIN, view: "mechanics" })).toBe(
    [
      "“circle”: 6 places × 5 channels, pooling",
      "channel 4: 1.000 × 2.50 + 0.000 × 1.00 + 0.000 × 0.00 + 0.000 (3 more) = 2.500",
      "channel 1: 1.000 × −0.50 + 0.000 × −2.00 + 0.000 × 4.00 + 0.000 (3 more) = −0.500",
    ].join("\n"),
  );
  // Steps are chosen above, and places are read where they are weighed.
  const [look] = weighed.looks as [TraceLook];
  const [chip] = drawing.boxes!({ look, row: 2, head: 0 });
  expect(drawing.at!(chip!.x + 2, chip!.y + 2)).toEqual({ look, row: 2, head: 0 });
  const [cell] = drawing.boxes!({ look, row: 1, head: 0, place: 5 });
  expect(drawing.at!(cell!.x + 2, cell!.y + 2)).toEqual({ look, row: 1, head: 0, place: 5 });
});

test("products that are not added up are told as they are, and a look that says nothing of them is named", () => {
  const [{ weighed: all, ...look }] = weighed.looks as [TraceLook];
  const { pooled: _, ...unpooled } = all!;
  const trace = { ...weighed, looks: [{ ...look, weighed: unpooled }] };
  const svg = pictureSvg(trace, only(trace), { view: "mechanics", theme: dark });
  expect(svg).toContain(">no pooling</text>");
  expect(svg).toContain(">all 6 × 5 products are handed on</text>");
  expect(only(maps).views).toEqual(["maps", "path"]);
  expect(() => channelSums(look, 0)).toThrow('look "map" does not say what it weighed');
});

test("where there is little room, pictures take more lines or smaller cells", () => {
  const [wide, narrow] = [drawPicture(maps, only(maps)), drawPicture(maps, only(maps), { room: 360 })];
  expect(wide.width).toBeGreaterThan(4 * 150);
  expect(narrow.width).toBeLessThanOrEqual(360);
  expect(narrow.height).toBeGreaterThan(wide.height + 100);
  const [look] = maps.looks as [TraceLook];
  const [, cell] = narrow.boxes!({ look, row: 2, head: 0, place: 5 });
  expect(narrow.at!(cell!.x + 2, cell!.y + 2)).toMatchObject({ row: 2, place: 5 });
  // Heads of a memory below each other, and smaller cells of a matrix.
  expect(drawPicture(memory, only(memory), { room: 300 }).width).toBeLessThanOrEqual(300);
  expect(drawPicture(sentence, only(sentence), { room: 230 }).width).toBeLessThanOrEqual(230);
  const trail = drawPicture(glimpses, only(glimpses), { room: 260 });
  expect(trail.width).toBeLessThanOrEqual(260);
  expect(trail.height).toBeGreaterThan(300);
  // The last two of three stand beside each other in a second line where only two fit.
  expect(drawPicture(glimpses, only(glimpses), { room: 180 }).height).toBeGreaterThan(trail.height);
});

test("maps lie on the image as it was at their step, where that changes", () => {
  const film: Trace = {
    ...maps,
    steps: maps.steps.map((step, index) => ({
      ...step,
      images: { image: { ...image, url: `frame-${index}` } },
    })),
  };
  const svg = draw(film);
  expect([...svg.matchAll(/href="(frame-\d)"/g)].map(([, url]) => url)).toEqual([
    "frame-0",
    "frame-1",
    "frame-2",
  ]);
  const moment = svgOf(<Drawn drawing={momentsOf(film, only(film))[1]!} />);
  expect(moment).toContain('href="frame-1"');
});

test("hard attention has the place that was used framed", () => {
  const hard: Trace = {
    ...maps,
    looks: maps.looks.map((look) => ({
      ...look,
      used: Float32Array.from({ length: 18 }, (_, index) => (index % 6 === 4 ? 1 : 0)),
    })),
  };
  // The middle of three columns in the lower of two rows, 150 pixels wide.
  expect(draw(hard).match(/class="used" fill="none" transform="translate\(50 50\)"/g)).toHaveLength(3);
  expect(draw(maps)).not.toContain('class="used"');
});

test("maps move step by step, and are shown as text", () => {
  const moving = movingSvg(momentsOf(maps, only(maps)) as [Drawing, ...Drawing[]], 0.5);
  expect(moving.match(/<animate /g)).toHaveLength(3);
  expect(moving).toContain('dur="3.50s"');
  expect(moving).not.toContain("<script");
  expect(pictureText(maps, only(maps), { colour: false, width: 60 })).toBe(
    ["a         circle    ■", "██░░░░              ██████", "░░░░░░        ██    ██▒▒▒▒"].join("\n"),
  );
  expect(momentsOf(sentence, only(sentence))).toEqual([]);
});

test("a time-lapse is drawn as it was", async () => {
  const drawings = [0.2, 0.5, 1].map((share, index) => {
    const trace = {
      ...sentence,
      looks: sentence.looks.map((look) => ({ ...look, data: look.data.map((weight) => weight * share) })),
    };
    return drawPicture(trace, only(trace), { title: `step ${index}` });
  });
  await expect(movingSvg(drawings as [Drawing, ...Drawing[]], 0.5)).toMatchFileSnapshot(
    "../pictures/time-lapse.svg",
  );
  expect(movingSvg([drawings[0]!], 1)).not.toContain("<animate");
});

test("the terminal shows shades without colour, and numbers columns that do not fit", () => {
  const text = (width: number, colour = false) => pictureText(sentence, only(sentence), { colour, width });
  expect(text(100)).toBe(
    [
      "           I    love  coffee   ■",
      "     me  ██0.90  0.06   0.04",
      "encanta    0.10▓▓0.80   0.10",
      "     el          0.01 ██0.98   0.01",
      "   café               ██1.00",
      "      ■               ░░0.25 ▓▓0.75",
    ].join("\n"),
  );
  expect(text(24).split("\n")[0]).toMatch(/1 +2 +3 +4/);
  expect(text(24)).toContain("1 I  2 love  3 coffee  4 ■");
  expect(text(100, true)).toContain("\u001b[48;2;120;190;255m");
});

/** Gazes from the left upper corner to the right lower one, each half as wide and high as the image. */
const [first, middle, last] = [
  [0.25, 0.25, 0.5, 0.5],
  [0.5, 0.75, 0.5, 0.5],
  [0.75, 0.5, 0.5, 0.5],
];
const glimpses: Trace = of({ image: { kind: "canvas", image, scales: [1, 2] } }, ["1", "2", "3"], {
  name: "glimpse",
  over: "image",
  kind: "windows",
  shape: [3, 1, 4],
  data: Float32Array.from([first, middle, last].flat()),
});

test("a gaze is a green trail, the first filled, the last hollow, with what each resolution held", async () => {
  const svg = draw(glimpses, { title: "7" });
  await expect(svg).toMatchFileSnapshot("../pictures/trail.svg");
  // The image is 360 × 240 pixels.
  expect(svg).toContain('d="M90.0 60.0L180.0 180.0L270.0 120.0"');
  const circles = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)" r="[\d.]+" fill="([^"]+)"/g)];
  expect(circles.map(([, x, y, fill]) => [x, y, fill])).toEqual([
    ["90", "60", "#2bd96b"],
    ["180", "180", "#2bd96b"],
    ["270", "120", "none"],
  ]);
  // In pixels of the image: the window itself, and twice as much around the same centre.
  expect([...svg.matchAll(/viewBox="(-?[\d. -]+)" preserve/g)].slice(0, 2).map(([, box]) => box)).toEqual([
    "0.000 0.000 1.500 1.000",
    "-0.750 -0.500 3.000 2.000",
  ]);
  expect(pictureText(glimpses, only(glimpses), PLAIN).split("\n")[1]).toBe(
    "2  centre 50.0 % from the left, 75.0 % from the top, 50.0 % × 50.0 %",
  );
  expect(momentsOf(glimpses, only(glimpses))).toHaveLength(3);
});

test("a point of a picture is the value it shows, and a window the one that is nearest", () => {
  const trail = drawPicture(glimpses, only(glimpses));
  // The image begins at 16, 16.
  expect(trail.at!(16 + 255, 16 + 130)).toMatchObject({ row: 2, head: 0, point: [255 / 360, 130 / 240] });
  expect(trail.at!(5, 5)).toBeUndefined();
  const [box] = trail.boxes!({ look: glimpses.looks[0]!, row: 1, head: 0 });
  expect(box).toEqual({ x: 16 + 90, y: 16 + 120, width: 180, height: 120 });
  for (const trace of [sentence, maps, clip, memory, heads])
    for (const picture of picturesOf(trace))
      for (const look of picture.looks) {
        const drawing = drawPicture(trace, picture);
        const [rows, head, places] = look.shape;
        const spot = { look, row: rows - 1, head: head - 1, place: places - 2 };
        const found = drawing.boxes!(spot);
        // Where the boxes of a value cross, there it is.
        const left = Math.max(...found.map(({ x }) => x));
        const top = Math.max(...found.map(({ y }) => y));
        const right = Math.min(...found.map(({ x, width }) => x + width));
        const bottom = Math.min(...found.map(({ y, height }) => y + height));
        expect([right > left, bottom > top]).toEqual([true, true]);
        expect(right).toBeLessThanOrEqual(drawing.width);
        expect(bottom).toBeLessThanOrEqual(drawing.height);
        const there = drawing.at!((left + right) / 2, (top + bottom) / 2)!;
        if (picture.title === "heads") expect(there).toMatchObject({ look, head: head - 1 });
        else expect(there).toMatchObject(spot);
      }
});

test("windows lie on the canvas as it stands", async () => {
  const drawn: Trace = {
    places: { canvas: { kind: "canvas", image } },
    steps: ["1", "2"].map((label) => ({
      label,
      images: { canvas: { ...image, url: `${image.url}#${label}` } },
    })),
    looks: [{ ...glimpses.looks[0]!, name: "write", over: "canvas", shape: [2, 1, 4] }],
  };
  const svg = draw(drawn);
  await expect(svg).toMatchFileSnapshot("../pictures/canvases.svg");
  expect(only(drawn).views).toEqual(["canvases", "trail"]);
  expect([...svg.matchAll(/#(\d)"/g)].map(([, step]) => step)).toEqual(["1", "2"]);
});

const clip = of(
  { clip: { kind: "frames", images: [image, image, image, image, image] } },
  ["a", "dog", "jumps"],
  lookOfRows(
    [
      [0.2, 0.2, 0.2, 0.2, 0.2],
      [0.1, 0.4, 0.4, 0.1, 0],
      [0, 0, 0.05, 0.8, 0.15],
    ],
    { name: "attention", over: "clip", kind: "weights" },
  ),
);

test("looks over a clip are bars below its images, over a sound below its picture", async () => {
  const svg = draw(clip, { title: "a dog jumps" });
  await expect(svg).toMatchFileSnapshot("../pictures/bars.svg");
  expect(svg.match(/<image/g)).toHaveLength(5);
  expect(svg).toContain("<title>jumps ← frame 4: 0.800</title>");
  // The greatest of all is as high as bars are, a quarter of it a quarter as high.
  expect(svg).toContain('y="0" width="82" height="34"');
  expect(svg).toContain('height="8.5"');
  expect(pictureText(clip, only(clip), PLAIN)).toBe(
    [
      "       frame 1 to frame 5; a full bar is 0.80",
      "    a  ▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂",
      "  dog  ▁▁▁▄▄▄▄▄▄▁▁▁",
      "jumps        ▁▁▁███▂▂▂",
    ].join("\n"),
  );
  const sound: Trace = { ...clip, places: { clip: { kind: "signal", image, count: 5, seconds: 2 } } };
  const heard = draw(sound);
  expect(heard.match(/<image/g)).toHaveLength(1);
  expect(heard).toContain("<title>jumps ← 1.20 s: 0.800</title>");
  expect(heard).toContain(">2.00 s</text>");
});

/** Steps, heads, slots; every head looks at the slot of its step, the second one behind. */
const [STEPS, SLOTS] = [7, 5];
const along = (name: string, heads: number): TraceLook => ({
  name,
  over: "memory",
  kind: "weights",
  shape: [STEPS, heads, SLOTS],
  data: Float32Array.from({ length: STEPS * heads * SLOTS }, (_, index) => {
    const [step, head, slot] = [
      Math.floor(index / (heads * SLOTS)),
      Math.floor(index / SLOTS) % heads,
      index % SLOTS,
    ];
    return (step + 1 - head) % SLOTS === slot ? 1 : 0;
  }),
});
const memory = of(
  { memory: { kind: "slots", count: SLOTS, title: "slot" } },
  Array.from({ length: STEPS }, (_, step) => String(step + 1)),
  along("write", 1),
  along("read", 2),
);

test("heads of a memory are panels side by side, slots over steps", async () => {
  const picture = only(memory);
  expect(picture).toMatchObject({ name: "memory", title: "memory", views: ["memory"] });
  const svg = draw(memory);
  await expect(svg).toMatchFileSnapshot("../pictures/memory.svg");
  for (const name of ["write", "read, head 1", "read, head 2"]) expect(svg).toContain(`>${name}</text>`);
  // Each cell that is looked at is drawn once.
  expect(svg.match(/M[\d.]+ [\d.]+H/g)).toHaveLength(3 * STEPS);
  expect(pictureText(memory, picture, PLAIN).split("\n").slice(0, 6)).toEqual([
    "write",
    "1          ██",
    "2  ██        ██",
    "3    ██        ██",
    "4      ██",
    "5        ██",
  ]);
});

const heads: Trace = {
  places: { source: tokens(["I", "love", "coffee"]) },
  steps: [],
  looks: [1, 2].map((layer) => ({
    name: `encoder ${layer}`,
    over: "source",
    from: "source",
    kind: "weights" as const,
    shape: [3, 2, 3] as const,
    data: Float32Array.from([0.5, 0.25, 0.25, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0, layer - 1, 2 - layer, 0, 0, 1]),
  })),
};

test("all heads of all layers are one picture, of which one is opened", async () => {
  const picture = only(heads);
  expect(picture).toMatchObject({ name: "encoder", title: "heads", views: ["heads", "matrix", "ribbon"] });
  await expect(draw(heads)).toMatchFileSnapshot("../pictures/heads.svg");
  const opened = draw(heads, { view: "matrix", open: { look: "encoder 2", head: 0 } });
  expect(opened).toContain("<title>coffee ← love: 1.000</title>");
  const mean = draw(heads, { view: "matrix" });
  expect(mean).toContain("<title>I ← coffee: 0.625</title>");
  expect(pictureText(heads, picture, PLAIN)).toContain("the mean of 4 heads (encoder 1: 2, encoder 2: 2)");
});

test("as text, what is but the mean of heads is told once, as theirs", () => {
  const across: TraceLook = {
    name: "cross-attention",
    over: "source",
    kind: "weights",
    shape: [2, 2, 3],
    data: Float32Array.from([1, 0, 0, 0, 1, 0, 0, 0, 1, 0.5, 0.5, 0]),
  };
  const about = { name: "attention", over: "source", kind: "weights" } as const;
  const mean = lookOfRows(
    [
      [0.5, 0.5, 0],
      [0.25, 0.25, 0.5],
    ],
    about,
  );
  const other = lookOfRows(
    [
      [0.5, 0.5, 0],
      [0.25, 0.5, 0.25],
    ],
    about,
  );
  const told = (look: TraceLook) =>
    distinctAsText(picturesOf({ ...heads, looks: [look, heads.looks[0]!, across] })).map(({ name }) => name);
  expect(told(mean)).toEqual(["cross-attention", "encoder 1"]);
  expect(told(other)).toEqual(["attention", "encoder 1", "cross-attention"]);
});

test("a page has every picture in both colours, under headings that tell them apart", () => {
  const trace: Trace = {
    places: { ...sentence.places, ...heads.places, target: tokens(["a", "b"]) },
    steps: sentence.steps,
    looks: [...heads.looks, ...sentence.looks, { ...sentence.looks[0]!, name: "second" }],
  };
  const pictures = picturesOf(trace);
  expect(pictures.map(({ heading }) => heading)).toEqual([
    "Which words each head looked at",
    "Which words it looked at, step by step (attention)",
    "Which words it looked at, step by step (second)",
  ]);
  expect(mainPicture(pictures)!.name).toBe("attention");
  const page = picturesPage(
    "A page",
    pictures.map((picture) => ({ heading: picture.heading, trace, picture })),
  );
  expect(page.match(/<svg/g)).toHaveLength(6);
  expect(page).not.toMatch(/(src|href)="http/);
});

test("markup in words is text, a long text fits, and control characters are seen", () => {
  const words = Array.from({ length: 120 }, (_, index) => `w${index}`);
  const long = of(
    { source: tokens(words) },
    words,
    lookOfRows(
      words.map((_, row) => words.map((__, column) => (row === column ? 1 : 0))),
      { name: "attention", over: "source", kind: "weights" },
    ),
  );
  expect(Number(/width="(\d+)"/.exec(draw(long))![1])).toBeLessThan(1400);
  const odd = of(
    { source: tokens(["<b>", "a\0b\udfff", "x".repeat(3000), "■"]) },
    ["&", "me", "el", "a", "b"],
    sentence.looks[0]!,
  );
  for (const view of ["matrix", "ribbon"] as const) {
    const svg = draw(odd, { view });
    expect(svg).not.toContain("<b>");
    expect(svg).toContain("&lt;b&gt;");
    expect(svg).toContain("a␀b");
    expect(svg).toContain("xxx…xxx");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
    expect(svg).not.toMatch(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])/);
    expect(Number(/ width="([\d.]+)"/.exec(svg)![1])).toBeLessThan(1500);
  }
});

test("places that a trace lacks, and windows on words, are named", () => {
  expect(() => picturesOf({ ...sentence, places: {} })).toThrow('look "attention" goes over "source"');
  const lost: Trace = { ...sentence, looks: [{ ...glimpses.looks[0]!, over: "source" }] };
  expect(() => svgOf(<LookView trace={lost} picture={only(lost)} />)).toThrow(
    'look "glimpse" is of windows, but they lie on tokens, not on a canvas.',
  );
});
