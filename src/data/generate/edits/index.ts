import { hashString, Random } from "../../../core/index.js";
import type { SentencePair, SentencePairDataset } from "../../contract.js";
import { drawnSplits } from "../drawn-splits.js";

// A sentence and what becomes of it by edits, each of which takes a set share of what the two have in common: another word for the same,
// a word left out, another thing, what is done by whom exchanged, its contrary.

const PEOPLE = [
  ["man", "guy"],
  ["woman", "lady"],
  ["boy", "lad"],
  ["girl", "lass"],
  ["child", "kid"],
  ["dog", "hound"],
  ["cat", "kitten"],
] as const;
const VERBS = [
  ["sees", "watches"],
  ["follows", "chases"],
  ["helps", "aids"],
  ["greets", "welcomes"],
  ["calls", "summons"],
] as const;
const PLACES = [
  ["garden", "yard"],
  ["street", "road"],
  ["house", "home"],
  ["forest", "woods"],
  ["shop", "store"],
] as const;
const QUALITIES = [
  ["small", "little"],
  ["happy", "glad"],
  ["quick", "fast"],
  ["quiet", "silent"],
] as const;

type Named = readonly [usual: string, other: string];

interface Scene {
  readonly who: Named;
  readonly quality: Named | undefined;
  readonly verb: Named;
  readonly whom: Named;
  readonly place: Named | undefined;
  readonly denied: boolean;
}

/** Points of a pair that says the same, and the fewest. */
const [MOST, LEAST] = [5, 1] as const;

/** What can be done to a scene, and the points that it takes. */
const EDITS: readonly {
  readonly title: string;
  readonly costs: number;
  apply(scene: Scene, random: Random): Scene | undefined;
}[] = [
  { title: "nothing", costs: 0, apply: (scene) => scene },
  {
    title: "another word for the same",
    costs: 0.2,
    apply(scene, random) {
      const part = pick(["who", "verb", "whom"] as const, random);
      const [usual, other] = scene[part];
      return { ...scene, [part]: [other, usual] };
    },
  },
  {
    title: "left out",
    costs: 0.6,
    apply: (scene) =>
      scene.place
        ? { ...scene, place: undefined }
        : scene.quality
          ? { ...scene, quality: undefined }
          : undefined,
  },
  {
    title: "another place",
    costs: 1,
    apply: (scene, random) =>
      scene.place ? { ...scene, place: other(PLACES, scene.place, random) } : undefined,
  },
  {
    title: "another deed",
    costs: 1.6,
    apply: (scene, random) => ({ ...scene, verb: other(VERBS, scene.verb, random) }),
  },
  {
    title: "somebody else",
    costs: 1.6,
    apply: (scene, random) => ({ ...scene, who: other(PEOPLE, scene.who, random) }),
  },
  {
    title: "who and whom exchanged",
    costs: 1.2,
    apply: ({ who, whom, ...scene }) => (who[0] === whom[0] ? undefined : { ...scene, who: whom, whom: who }),
  },
  { title: "its contrary", costs: 2, apply: (scene) => ({ ...scene, denied: !scene.denied }) },
  { title: "all of it", costs: MOST - LEAST, apply: (_, random) => drawScene(random) },
];

const pick = <Item>(items: readonly Item[], random: Random): Item => items[random.integer(items.length)]!;
function other(items: readonly Named[], [usual, different]: Named, random: Random): Named {
  return pick(
    items.filter(([one]) => one !== usual && one !== different),
    random,
  );
}

function drawScene(random: Random): Scene {
  return {
    who: pick(PEOPLE, random),
    quality: random.uniform() < 0.5 ? pick(QUALITIES, random) : undefined,
    verb: pick(VERBS, random),
    whom: pick(PEOPLE, random),
    place: random.uniform() < 0.7 ? pick(PLACES, random) : undefined,
    denied: random.uniform() < 0.2,
  };
}

const wordsOf = ({ who, quality, verb, whom, place, denied }: Scene): string[] => [
  denied ? "no" : "a",
  ...(quality ? [quality[0]] : []),
  who[0],
  verb[0],
  "a",
  whom[0],
  ...(place ? ["in", "the", place[0]] : []),
];

const COUNTS = { train: 8000, validation: 500, test: 1000 } as const;
/** One sentence in so many is kept from training. */
const HELD_OUT = 10;

function drawPair(seed: number, split: keyof typeof COUNTS, index: number): SentencePair {
  const random = new Random(seed, `edits ${split}`, index);
  while (true) {
    let scene = drawScene(random);
    const first = wordsOf(scene);
    if ((hashString(first.join(" ")) % HELD_OUT === 0) === (split === "train")) continue;
    let score: number = MOST;
    const titles: string[] = [];
    for (let left = 1 + random.integer(2); left > 0; left--) {
      const edit = pick(EDITS, random);
      const edited = edit.apply(scene, random);
      if (!edited) continue;
      scene = edited;
      score -= edit.costs;
      titles.push(edit.title);
    }
    const second = wordsOf(scene);
    const said: SentencePair = {
      first,
      second,
      score: Math.max(LEAST, Math.round(10 * score) / 10),
      edit: titles.join(", then "),
    };
    return random.integer(2) === 0 ? said : { ...said, first: second, second: first };
  }
}

/** Sentences and what edits make of them, with points for what is still the same. */
export const edits: SentencePairDataset = {
  id: "edits",
  kind: "sentence pairs",
  title: "pairs of sentences, one edited from the other, with points for what they share",
  origin: "generated by Regard; nothing is downloaded",
  splits: { test: "pairs of sentences that training never edits" },
  load: async (seed) =>
    drawnSplits(COUNTS, COUNTS.train, (split: keyof typeof COUNTS, index) => drawPair(seed, split, index)),
};
