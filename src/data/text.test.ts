import { describe, expect, test } from "vitest";
import { Random } from "../core/index.js";
import { detokenise, normalised, readingOf, tokenise, Vocabulary, vocabularyKinds } from "./index.js";

const TEXTS = [
  "Es kostet $1,000.50 um 10:30",
  "See https://example.org/a?b=1&c=%20#d, or www.example.org/x.",
  "Mail a@b.org @@ a@@b",
  "'s ochtends regent het, don't, dogs’ tails, rock 'n' roll",
  "3 cats, 3rd floor, B2B, 10-12 km/h, 50 %, 50%",
  "👩‍👩‍👧‍👦 und ❤️‍🔥 ☺️, 1️⃣ 🇩🇪🇫🇷 👍🏽 🏴󠁧󠁢󠁳󠁣󠁴󠁿",
  "Donau\u00addampf\u00ad",
  "می\u200cخواهم क्\u200dष",
  "ქართული ენა",
  "我爱北京天安门，你呢？3 个。 我",
  "ฉันรักแมว และ หมา",
  "Tシャツを3枚買った。",
  "„Ja“, sagte er. « Quoi ? » (see) [x] { y } “Hi” \"quoted\" 'quoted'",
  "the cat",
  "THE cat",
  "iPhone",
  "ß ﬁsh",
  "Ǆep",
  "İstanbul",
  "e.g. U.S.A. ... …",
  "↓a‿b␣c ‿‿ x ␣‿↓ ↓",
  "a\ufeffb\u001cc\u0000d",
  "<unknown> <pad>",
  "a  -b- --- c",
  "\ud800x\udc00",
];

describe("a text", () => {
  test.each(TEXTS)("comes together as it was: %s", (text) => {
    expect(detokenise(tokenise(text))).toBe(normalised(text));
    expect(normalised(text).replaceAll(" ", "")).toBe(text.normalize("NFC").replaceAll(" ", ""));
  });

  test("comes together whatever it is", () => {
    const letters = [...TEXTS.join(" "), "\u0301", "\u0085", "\u2028", "\u3000", "ǅ", "ⅷ", "𐐨", "一", "。"];
    const random = new Random(3, "texts");
    for (let count = 0; count < 20_000; count++) {
      const text = Array.from({ length: random.integer(17) }, () =>
        count % 3 > 0
          ? letters[random.integer(letters.length)]!
          : String.fromCodePoint(random.integer(count % 2 ? 0x3000 : 0x110000)),
      ).join("");
      expect(detokenise(tokenise(text)), JSON.stringify(text)).toBe(normalised(text));
    }
  });

  test("is changed by normal form C and white space alone", () => {
    expect(normalised(" a\u00a0\u2003b\t\r\nCafe\u0301\u0085 \u3000")).toBe("a b Café");
    expect(normalised("a\ufeff \u200b\u001c\u0000b")).toBe("a\ufeff \u200b\u001c\u0000b");
    expect(normalised(" \n")).toBe("");
  });

  test("has the words that people see, with a mark where they stand unlike others", () => {
    const expected: Record<string, string> = {
      "¿Le gusta a Ana el café?  Sí, 12 veces: l'eau.": "¿ Le gusta a Ana el café ? Sí , 12 veces : l'eau .",
      "Es kostet $1,000.50 um 10:30": "Es kostet $‿ 1,000.50 um 10:30",
      "See https://example.org/a?b=1.": "See https://example.org/a?b=1 .",
      "'s ochtends": "'‿ ↓s ochtends",
      "10-12 km": "10 ‿-‿ 12 km",
      "quoi ?": "↓quoi ␣?",
      "3 cats": "3 cats",
      "ქართული ენა": "ქართული ენა",
      "👩‍👩‍👧 ☺️🇩🇪": "👩‍👩‍👧 ☺️ ‿🇩🇪",
      "Donau\u00addampf": "Donau\u00addampf",
      a‿b: "↓a‿ ‿ ‿b",
      "   ": "",
    };
    for (const [text, words] of Object.entries(expected)) expect(tokenise(text).join(" "), text).toBe(words);
  });

  test("of scripts without spaces is parted by the platform's dictionary", () => {
    expect(tokenise("我爱北京，你呢？")).toEqual(["我", "爱", "北京", "，", "你", "呢", "？"]);
    expect(tokenise("ฉันรักแมว")).toEqual(["ฉัน", "รัก", "แมว"]);
    expect(tokenise("私は学生です。")).toEqual(["私", "は", "学生", "です", "。"]);
  });

  test("of words alone has a capital, and punctuation where it belongs", () => {
    expect(detokenise(["¿", "le", "gusta", "el", "café", "?"])).toBe("¿Le gusta el café?");
    expect(detokenise(["3", "cats"])).toBe("3 cats");
    expect(detokenise(["ქართული"])).toBe("ქართული");
    expect(detokenise([])).toBe("");
  });

  test("has one reading with texts that a model reads alike", () => {
    const reading = readingOf("Das Café, um zehn.");
    expect(readingOf("das cafe\u0301 ,\u00a0UM  zehn .\u0085")).toBe(reading);
    expect(readingOf(tokenise("das CAFÉ , um zehn."))).toBe(reading);
    expect(readingOf("Das Cafe, um zehn.")).not.toBe(reading);
  });
});

describe.each(vocabularyKinds)("a vocabulary of kind %s", (kind) => {
  const sentences = TEXTS.map(tokenise);
  const vocabulary = Vocabulary.of([...sentences, ...sentences], { kind });

  test("spells every text that it is of", () => {
    for (const [index, text] of TEXTS.entries()) {
      const { tokens } = vocabulary.segment(sentences[index]!);
      expect(detokenise(vocabulary.decode(tokens))).toBe(normalised(text));
    }
  });

  test("spells whatever texts it is of", () => {
    const random = new Random(5, "vocabularies");
    const letters = [...TEXTS.join(" "), "É", "Q", "ǅ", "Б", "Б", "𐐀"];
    for (let round = 0; round < 30; round++) {
      const texts = Array.from({ length: 23 }, () =>
        Array.from({ length: random.integer(13) }, () => letters[random.integer(letters.length)]!).join(""),
      );
      const learned = Vocabulary.of(texts.map(tokenise), { kind });
      for (const text of texts) {
        const { tokens } = learned.segment(tokenise(text));
        expect(detokenise(learned.decode(tokens)), JSON.stringify(text)).toBe(normalised(text));
      }
    }
  });

  test("knows the first word of a sentence as it is inside of others", () => {
    const texts = ["The dog sees the cat", "Ana sees a dog and Ana", "Seen by Ana", "A cat", "↓ end the"];
    const learned = Vocabulary.of([...texts, ...texts, ...texts].map(tokenise), { kind });
    const first = (text: string) => learned.spell(learned.segment(tokenise(text)).tokens)[0];
    expect(first("The cat")).toBe("the");
    expect(first("the cat")).toBe("the");
    expect(first("Ana")).toBe("Ana");
    expect(first("A dog")).toBe("a");
    expect(learned.segment(tokenise("the cat")).pieces).toEqual(["the", "cat"]);
    for (const text of texts)
      expect(detokenise(learned.decode(learned.segment(tokenise(text)).tokens))).toBe(text);
  });
});
