import { describe, expect, test } from "vitest";
import { Random } from "../../../core/index.js";
import {
  drawCaptions,
  drawExample,
  drawScene,
  isHeldOut,
  isTrue,
  masksOf,
  mistakesOf,
  referentsOf,
  renderScene,
  SCENE_SIZE,
  type Scene,
  type SceneObject,
  type SceneSplit,
  scenes,
} from "./index.js";

const object = (over: Partial<SceneObject>): SceneObject => ({
  shape: "circle",
  colour: "red",
  texture: "plain",
  size: "small",
  x: 12,
  y: 12,
  radius: 6,
  ...over,
});

/** A small red circle at the top left, two large blue striped squares at the right. */
const scene: Scene = {
  groups: [
    [object({})],
    [
      object({ shape: "square", colour: "blue", texture: "striped", size: "large", x: 50, y: 20, radius: 9 }),
      object({ shape: "square", colour: "blue", texture: "striped", size: "large", x: 50, y: 48, radius: 9 }),
    ],
  ],
  background: 7,
};
const words = (text: string) => text.split(" ");

const SPLITS: readonly SceneSplit[] = ["train", "validation", "test", "test-combinations", "test-more"];
const drawn = SPLITS.flatMap((split) =>
  Array.from({ length: 30 }, (_, index) => ({ split, example: drawExample(3, split, index) })),
);

describe("scenes", () => {
  test("have five different captions each, all of them true, and the words tell of objects", () => {
    for (const { example } of drawn) {
      expect(new Set(example.captions.map((caption) => caption.join(" "))).size).toBe(5);
      for (const caption of example.captions) {
        expect(example.gold!.isTrue(caption), caption.join(" ")).toBe(true);
        const referents = example.gold!.referents(caption);
        expect(referents).toHaveLength(caption.length);
        expect(new Set(referents.filter((one) => one !== undefined)).size).toBe(example.gold!.masks().length);
      }
    }
  });

  test("are a function of seed, split and number", async () => {
    const [a, b, c] = [drawExample(3, "test", 4), drawExample(3, "test", 4), drawExample(4, "test", 4)];
    expect(a.captions).toEqual(b.captions);
    expect(await a.pixels()).toEqual(await b.pixels());
    expect(await a.pixels()).not.toEqual(await c.pixels());
  });

  test("are drawn when they are looked into, and the first of them have every word", async () => {
    const { train, wording, tests } = await scenes.load(3);
    expect(train).toHaveLength(120_000);
    const [one, same] = [train[1031]!, drawExample(3, "train", 1031)];
    expect(one.name).toBe(same.name);
    expect(one.captions).toEqual(same.captions);
    expect(one.objects).toBe(same.objects);
    expect(await one.pixels()).toEqual(await same.pixels());
    expect({ ...one }.gold!.masks()).toEqual(same.gold!.masks());
    const known = new Set(wording!.slice(0, 1000).flatMap(({ captions }) => captions.flat()));
    for (const images of Object.values(tests))
      for (const { captions } of images.slice(0, 100))
        for (const word of captions.flat()) expect(known, word).toContain(word);
  });

  test("keep combinations and numbers of objects from training", () => {
    for (const heldOut of [true, false]) {
      const random = new Random(1, "looks");
      let found = 0;
      while (found < 50) {
        const one = drawScene(random, { objects: "usual", heldOut });
        if (!one) continue;
        found++;
        expect(one.groups.some(([look]) => isHeldOut(look!))).toBe(heldOut);
      }
    }
    for (const { split, example } of drawn) {
      if (split === "test-more") expect(example.objects).toBeGreaterThan(4);
      else expect(example.objects).toBeLessThanOrEqual(4);
    }
  });

  test("show most of every object, and their masks are where their colours are", () => {
    const masks = masksOf(scene);
    const { data } = renderScene(scene);
    for (const [group, { data: mask }] of masks.entries()) {
      const sum = [0, 0, 0];
      mask.forEach((inside, pixel) => {
        if (inside) for (let channel = 0; channel < 3; channel++) sum[channel]! += data[3 * pixel + channel]!;
      });
      // The circle is red, the squares are blue.
      const [red, , blue] = sum as [number, number, number];
      expect(group === 0 ? red > 2 * blue : blue > 2 * red).toBe(true);
    }
    const [circle] = masks;
    const area = circle!.data.reduce((a, b) => a + b, 0);
    expect(area).toBeGreaterThan(0.9 * Math.PI * 36);
    expect(area).toBeLessThan(1.1 * Math.PI * 36);
    expect(circle!.data[12 * SCENE_SIZE + 12]).toBe(1);
  });
});

describe("captions", () => {
  test.each([
    "a red circle left of two blue squares",
    "a small red circle left of two striped squares",
    "two large blue striped squares right of a circle".replace("a circle", "a red circle"),
  ])("true: %s", (caption) => {
    expect(isTrue(scene, words(caption))).toBe(true);
  });

  test.each([
    ["a red circle right of two blue squares", "the relation"],
    ["a red circle left of a blue square", "the number"],
    ["a large red circle left of two blue squares", "the size"],
    ["a red circle", "something is left out"],
    ["a red circle and two blue squares", "a list where there is a relation"],
    ["a circle left of two blue squares", "neither colour nor texture"],
    ["red circle left of two blue squares", "no number"],
    ["a red circle left of two blue square", "no plural"],
    ["a red circle left of two blue squares a red circle", "too much"],
    ["", "nothing"],
  ])("not true: %s (%s)", (caption) => {
    expect(isTrue(scene, words(caption))).toBe(false);
  });

  test("a description that fits two groups names neither", () => {
    const twins: Scene = { ...scene, groups: [[object({})], [object({ texture: "striped", x: 50 })]] };
    expect(isTrue(twins, words("a red circle left of a striped circle"))).toBe(false);
    expect(drawCaptions(twins, 5, new Random(1, "twins"))).toBeUndefined();
  });

  test("words know what they tell of, as far as their phrase fits", () => {
    expect(referentsOf(scene, words("two striped squares right of a red circle"))).toEqual([
      1,
      1,
      1,
      undefined,
      undefined,
      undefined,
      0,
      0,
    ]);
    expect(referentsOf(scene, words("a green circle"))).toEqual([undefined, undefined, undefined]);
  });
});

describe("mistakes", () => {
  const found = (caption: string, looked: number | undefined) =>
    mistakesOf(scene, words(caption), () => looked).map(({ kind, sentence }) => [kind, sentence]);

  test("looked right, named wrongly", () => {
    expect(found("a green circle left of two blue squares", 0)).toEqual([
      ["wrong name", "“a green circle” looked at a small red circle; the colour is wrong."],
    ]);
  });

  test("looked at another thing", () => {
    expect(found("a green circle left of two blue squares", 1)).toEqual([
      [
        "wrong place",
        "“a green circle” is nearest to a small red circle, but looked at two large blue striped squares.",
      ],
    ]);
  });

  test("made up, and left out", () => {
    expect(found("two blue squares right of a green cross", undefined)).toEqual([
      ["invented", "“a green cross” is not there, and none of what is there was looked at."],
      ["missed", "a small red circle was left out."],
    ]);
  });

  test("told of twice, and a relation that does not hold", () => {
    expect(found("a red circle left of a small red circle", 0)).toEqual([
      ["invented", "“a small red circle” was told of before."],
      ["missed", "two large blue striped squares was left out."],
    ]);
    expect(found("a red circle right of two blue squares", 0)).toEqual([
      ["wrong name", "“right of” is not how they lie."],
    ]);
  });

  test("a true caption has none", () => {
    for (const { example } of drawn)
      for (const caption of example.captions) expect(example.gold!.mistakes(caption, () => 0)).toEqual([]);
  });
});
