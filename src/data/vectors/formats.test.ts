import { describe, expect, test } from "vitest";
import { type VectorFormat, vectorFormats } from "./formats.js";

const vectors = {
  words: ["a", "bé", "New York", "d"],
  size: 3,
  values: Float32Array.of(1, 2, 3, 0.5, -0.25, 1e-3, 0, 1, 0, 1 / 3, -1e-30, 3e30),
};
const formatOf = (ending: string): VectorFormat =>
  vectorFormats.find(({ endings }) => endings.includes(ending))!;

test.each(vectorFormats.map((format) => [format.endings[0]!, format] as const))(
  "%s gives back what was written, to the bit",
  (ending, format) => {
    // word2vec ends a word at its first space.
    const given = ending === ".bin" ? { ...vectors, words: ["a", "bé", "New_York", "d"] } : vectors;
    const found = format.read(format.write(given), "file", given.words);
    expect(found.words).toEqual(given.words);
    expect(found.size).toBe(3);
    expect(Array.from(found.values)).toEqual(Array.from(given.values));
  },
);

// KeyedVectors.save_word2vec_format of gensim 4.4.0, whose rows end in no line break.
const GENSIM_BINARY = "MyAzCmEgAACAPwAAAEAAAEBAYsOpIAAAAD8AAIC+bxKDOmMgAAAAAAAAgD8AAAAA";
const GENSIM_TEXT = "3 3\na 1.0 2.0 3.0\nbé 0.5 -0.25 0.001\nc 0.0 1.0 0.0\n";

test("files of gensim are read", () => {
  for (const [ending, bytes] of [
    [".bin", Buffer.from(GENSIM_BINARY, "base64")],
    [".txt", Buffer.from(GENSIM_TEXT)],
  ] as const) {
    const { words, size, values } = formatOf(ending).read(bytes, "file", []);
    expect(words).toEqual(["a", "bé", "c"]);
    expect(size).toBe(3);
    expect(Array.from(values)).toEqual(Array.from(Float32Array.of(1, 2, 3, 0.5, -0.25, 0.001, 0, 1, 0)));
  }
});

describe("what is wrong with a file is said", () => {
  const text = (content: string) => () => formatOf(".txt").read(Buffer.from(content), "v.txt", []);
  test.each([
    ["fewer words than said", "3 2\na 1 2\nb 3 4\n", "says that it has 3 words but has 2"],
    [
      "numbers of another count than said",
      "2 2\na 1 2 3\nb 3 4 5\n",
      'line 2: "a" has 3 numbers but the vectors have 2',
    ],
    ["a ragged row", "a 1 2\nb 3\n", 'line 2: "b" has 1 numbers but the vectors have 2'],
    ["a row that is too long", "a 1 2\nb 3 4 5\n", 'line 2: "b" has 3 numbers but the vectors have 2'],
    ["a word twice", "a 1 2\nb 3 4\na 1 2\n", 'line 3: the word "a" is there before, as number 1'],
    ["a number that is none", "a 1 2\nb 3 x\n", 'number 2 of "b" is NaN'],
    ["NaN", "a 1 nan\n", 'number 2 of "a" is NaN'],
    ["infinity", "a 1 Infinity\n", 'number 2 of "a" is Infinity'],
    ["no numbers", "a\n", 'there are no numbers behind "a"'],
    ["nothing", "", "holds no vectors"],
  ])("%s", (_, content, sentence) => {
    expect(text(content)).toThrow(sentence);
  });

  test("bytes that are no UTF-8", () => {
    expect(() => formatOf(".txt").read(Uint8Array.of(0xff, 0x20, 0x31, 0x0a), "v.txt", [])).toThrow(
      '"v.txt", line 1: the word is no UTF-8 text; save the file as UTF-8.',
    );
  });

  test("a binary file that is cut short, goes on, has no first line, or a wrong one", () => {
    const whole = Buffer.from(GENSIM_BINARY, "base64");
    const read = (bytes: Uint8Array) => () => formatOf(".bin").read(bytes, "v.bin", []);
    for (let end = 0; end < whole.length; end++)
      expect(read(whole.subarray(0, end))).toThrow(/^"v\.bin" .*[.;]/);
    expect(read(Buffer.concat([whole, Buffer.from("more")]))).toThrow("but has 52 bytes");
    expect(read(Buffer.from("words"))).toThrow("is no binary file of word2vec");
    expect(read(Buffer.concat([Buffer.from("9"), whole]))).toThrow("says that it has 93 words of 3 numbers");
  });

  test("a matrix without a word for each row", () => {
    const bytes = formatOf(".npy").write(vectors);
    expect(() => formatOf(".npy").read(bytes, "v.npy", ["a"])).toThrow(
      '"v.npy" has 4 rows but there are 1 words beside it',
    );
    const other = formatOf(".safetensors").write(vectors);
    expect(() => formatOf(".safetensors").read(other.subarray(0, 60), "v.safetensors", [])).toThrow(
      "is not a whole safetensors file",
    );
  });
});
