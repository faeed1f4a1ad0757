import { expect, test } from "vitest";
import { Random } from "../../../core/index.js";
import {
  CLIP_SIZE,
  type Clip,
  captionOf,
  drawClip,
  intervalsOf,
  mistakesOf,
  referentsOf,
  VERBS,
} from "./clip.js";
import { clips, drawClipExample } from "./index.js";
import { renderClip } from "./render.js";

const drawn = Array.from({ length: 400 }, (_, index) => drawClip(new Random(1, "clips test", index)));

test("the same seed draws the same clips, another seed others", async () => {
  const [one, same, other] = [5, 5, 6].map((seed) => drawClipExample(seed, "test", 7));
  expect(await one!.frames()).toEqual(await same!.frames());
  expect(one!.captions).toEqual(same!.captions);
  expect(await one!.frames()).not.toEqual(await other!.frames());
  const { tests } = await clips.load(5);
  expect(tests.test![7]!.captions).toEqual(one!.captions);
});

test("events lie in the clip one after another, with a still frame around each, and nobody acts after leaving", () => {
  for (const { frames, events, actors } of drawn) {
    const gone = new Set<number>();
    let before = 0;
    for (const { actor, verb, from, to } of events) {
      expect(from).toBeGreaterThan(before);
      expect(to - from).toBeGreaterThanOrEqual(4);
      expect(gone.has(actor)).toBe(false);
      expect(actor).toBeLessThan(actors.length);
      if (verb === "leaves") gone.add(actor);
      before = to;
    }
    expect(before).toBeLessThan(frames);
  }
});

test("how many events there are, and what they are, comes about alike; they begin early as well as late", () => {
  const counts = [1, 2, 3].map((count) => drawn.filter(({ events }) => events.length === count).length);
  for (const count of counts) expect(count).toBeGreaterThan(80);
  const all = drawn.flatMap(({ events }) => events);
  for (const verb of VERBS)
    expect(all.filter((event) => event.verb === verb).length, verb).toBeGreaterThan(all.length / 8);
  const firsts = drawn.map(({ frames, events: [first] }) => first!.from / frames);
  expect(firsts.filter((share) => share < 0.15).length).toBeGreaterThan(60);
  expect(firsts.filter((share) => share > 0.4).length).toBeGreaterThan(30);
});

/** How much two neighbouring frames differ, noise apart: the greatest change of a colour averaged over 3 × 3 pixels. */
function change(data: Uint8Array, frame: number): number {
  const size = 3 * CLIP_SIZE ** 2;
  let most = 0;
  for (let row = 1; row < CLIP_SIZE - 1; row++)
    for (let column = 1; column < CLIP_SIZE - 1; column++)
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (const dy of [-1, 0, 1])
          for (const dx of [-1, 0, 1]) {
            const at = 3 * ((row + dy) * CLIP_SIZE + column + dx) + channel;
            sum += data[(frame + 1) * size + at]! - data[frame * size + at]!;
          }
        most = Math.max(most, Math.abs(sum) / 9);
      }
  return most;
}

test("pixels change within events and nowhere else", () => {
  for (const clip of drawn.slice(0, 60)) {
    const data = renderClip(clip);
    expect(data).toHaveLength(3 * CLIP_SIZE ** 2 * clip.frames);
    const moving = Array.from({ length: clip.frames - 1 }, (_, frame) => change(data, frame) > 14);
    for (const { from, to } of clip.events)
      expect(moving.slice(from - 1, to).some(Boolean), `${captionOf(clip).join(" ")}, ${from}–${to}`).toBe(
        true,
      );
    moving.forEach((moves, frame) => {
      if (moves) expect(clip.events.some(({ from, to }) => frame >= from - 1 && frame < to)).toBe(true);
    });
  }
});

const clip: Clip = {
  frames: 17,
  actors: [
    { colour: "red", shape: "square", x: 4, y: 14 },
    { colour: "blue", shape: "cross", x: 12, y: 14 },
  ],
  events: [
    { actor: 0, verb: "jumps", from: 2, to: 6 },
    { actor: 1, verb: "leaves", from: 9, to: 14 },
  ],
  background: 1,
};

test("a caption tells of events in order, and each content word knows its frames", () => {
  const words = captionOf(clip);
  expect(words.join(" ")).toBe("the red square jumps then the blue cross leaves");
  const none = undefined;
  expect(referentsOf(clip, words)).toEqual([none, 0, 0, 0, none, none, 1, 1, 1]);
  expect(intervalsOf(clip).map(({ data }) => [data.indexOf(1), data.lastIndexOf(1)])).toEqual([
    [2, 5],
    [9, 13],
  ]);
});

test("mistakes are told by what was looked at: named wrongly, looked elsewhere, left out, made up", () => {
  const mistakes = (caption: string, looked: number) =>
    mistakesOf(clip, caption.split(" "), () => looked).map(({ kind, words }) => [kind, ...words]);
  expect(mistakes("the red square jumps then the blue cross leaves", 0)).toEqual([]);
  expect(mistakes("the red square spins then the blue cross leaves", 0)).toEqual([["wrong name", 1, 2, 3]]);
  expect(mistakes("the blue cross leaves", 1)).toEqual([["wrong place", 1, 2, 3], ["missed"]]);
  expect(mistakes("the red square jumps then the blue cross leaves then the red square spins", 0)).toEqual([
    ["invented", 11, 12, 13],
  ]);
});
