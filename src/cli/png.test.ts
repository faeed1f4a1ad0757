import { expect, test } from "vitest";
import { foreignLetters } from "./png.js";

test("letters that DejaVu Sans lacks are those that its table of letters lacks", () => {
  // As fontTools lists them: DejaVu has cups and dice, Georgian and Hebrew, but no script capitals, Thai or pictures of controls.
  expect(foreignLetters("Café, Ωмега, ქართული, שלום, سلام ☕⚀ 😀 —…�")).toEqual([]);
  expect(foreignLetters("我爱咖啡 爱")).toEqual(["我", "爱", "咖", "啡"]);
  expect(foreignLetters("𝒜 ﷺ ไทย 가 👩\u200d👧 ␛ ❤\ufe0f")).toEqual([..."𝒜ﷺไทย가👩👧␛"]);
});

test("what is not drawn is not lacking", () => {
  expect(foreignLetters("a\n\t\u00a0\u00ad\u200b\u200d\ufe0f\u3000b")).toEqual([]);
});
