import { expect, test } from "vitest";
import { PIECES } from "../../test/foreign-graphs.js";
import { openTokenizer } from "./index.js";

const bytes = (text: string) => new TextEncoder().encode(text);

test("a vocabulary of WordPiece cuts words into the longest pieces it has", () => {
  const tokenizer = openTokenizer(bytes(PIECES.join("\r\n")), "vocab.txt");
  expect(tokenizer.tokenize("I löve  unlikely COFFEES!")).toEqual({
    ids: [2, 5, 6, 9, 10, 11, 7, 8, 12, 3],
    pieces: ["[CLS]", "i", "love", "un", "##like", "##ly", "coffee", "##s", "!", "[SEP]"],
    word: [0, 1, 2, 3, 3, 3, 4, 4, 5, 6],
    words: ["[CLS]", "i", "love", "unlikely", "coffees", "!", "[SEP]"],
  });
  // A word with a part that there is no piece for is not known as a whole.
  expect(tokenizer.tokenize("lovex").ids).toEqual([2, 1, 3]);
  expect([tokenizer.hidden, tokenizer.padding]).toEqual([4, 0]);
  // Large letters that have no small one do not make a vocabulary one that tells them apart.
  const more = openTokenizer(bytes([...PIECES, "ℝ"].join("\n")), "vocab.txt");
  expect(more.tokenize("I LOVE ℝ").ids).toEqual([2, 5, 6, PIECES.length, 3]);
});

test("a byte-level tokenizer's pieces are legible, and begin words where they begin with a space", () => {
  const pieces = [
    "<|endoftext|>",
    "H",
    "i",
    "Ġ",
    "t",
    "h",
    "e",
    "r",
    "Ã",
    "©",
    "Hi",
    "Ġt",
    "Ġth",
    "er",
    "Ġthe",
  ];
  const json = {
    version: "1.0",
    added_tokens: [
      {
        id: 0,
        content: "<|endoftext|>",
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      },
    ],
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
      merges: ["H i", "Ġ t", "Ġt h", "e r", "Ġth e"],
    },
  };
  const tokenizer = openTokenizer(bytes(JSON.stringify(json)), "tokenizer.json");
  const found = tokenizer.tokenize("Hi thereé");
  expect(found.ids).toEqual([10, 12, 13, 6, 8, 9]);
  expect(found.words).toEqual(["Hi", "thereé"]);
  expect(found.pieces.slice(0, 4)).toEqual(["Hi", "th", "er", "e"]);
});

test("what is no tokenizer is refused in one sentence", () => {
  for (const [text, why] of [
    ["a\nb", 'it has no token "[UNK]"'],
    ["{", /JSON/],
    ['{"model": {"type": "Nothing"}}', /./],
  ] as const)
    expect(() => openTokenizer(bytes(text), "mine")).toThrow(
      typeof why === "string"
        ? `"mine" is no tokenizer that can be used here (${why}); give a tokenizer.json, or a vocab.txt with a token of WordPiece on each line.`
        : why,
    );
});
