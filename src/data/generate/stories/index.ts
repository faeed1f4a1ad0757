import { hashString, Random } from "../../../core/index.js";
import type { TextDataset } from "../../contract.js";
import type { Passage, Passages } from "../../passages.js";
import { drawnText } from "../drawn-text.js";

// Stories of things that happen in order. What happens can be worded in several ways that share no word but small ones, so that only what
// stands before and after tells that they say the same.

/** What happens in a kind of story, in order, each in several wordings. `*` stands for who does it. */
const PLOTS: readonly (readonly string[])[] = [
  [
    "* wakes at dawn|the alarm rings early for *|morning light reaches * in bed",
    "* brews some coffee|a kettle boils beside *|breakfast is fried by *",
    "* catches the bus|the crowded tram carries *|a bicycle brings * downtown",
    "* types at a desk|long meetings tire *|the office keeps * occupied",
    "* returns home exhausted|evening traffic delays *|the front door closes behind *",
    "* falls asleep|dreams come over *|the lamp goes out and * snores",
  ],
  [
    "* buys seeds|a packet of beans tempts *|the nursery sells * a sapling",
    "* digs a hole|the spade of * turns soil|earth is loosened by *",
    "* waters the ground|a hose sprinkles for *|rain helps * this week",
    "* sees green sprouts|tiny leaves surprise *|something pushes up before *",
    "* picks ripe fruit|the harvest fills a basket of *|tomatoes redden and * gathers them",
    "* bakes a pie|soup simmers for *|the kitchen of * smells of jam",
  ],
  [
    "* packs a suitcase|clothes are folded by *|a passport is found by *",
    "* waits at the airport|the flight of * is announced|security inspects *",
    "* looks down on clouds|the plane lifts * high|a stewardess hands * juice",
    "* checks into a hotel|a porter greets *|the room key is given to *",
    "* visits a museum|ancient statues astonish *|a guide shows * paintings",
    "* sends a postcard|souvenirs are wrapped by *|photographs are shared by *",
  ],
  [
    "* coughs all night|a fever weakens *|the throat of * hurts",
    "* calls the doctor|an appointment is made by *|the clinic has time for *",
    "* is examined carefully|a nurse listens to the lungs of *|blood is drawn from *",
    "* swallows bitter pills|the pharmacy supplies *|syrup is measured out for *",
    "* rests under blankets|two days pass quietly for *|tea and honey comfort *",
    "* feels well again|strength is regained by *|health comes back to *",
  ],
  [
    "* opens a textbook|chapters are reviewed by *|formulas fill the notes of *",
    "* enters the exam hall|a proctor seats *|silence surrounds nervous *",
    "* answers every question|pens scratch while * writes|the essay of * grows",
    "* hands in the paper|time runs out for *|the last page leaves *",
    "* learns the grade|results are posted for *|a letter tells * the marks",
    "* celebrates with friends|a party honours *|fireworks delight proud *",
  ],
  [
    "* puts on boots|a map is studied by *|the rucksack of * is heavy",
    "* climbs a steep trail|rocks slow *|the slope makes * sweat",
    "* reaches the summit|a wide view rewards *|eagles circle above *",
    "* eats a sandwich|cheese and apples restore *|lunch is unpacked by *",
    "* descends carefully|gravel slips under *|the valley draws nearer to *",
    "* soaks sore feet|a hot bath relaxes *|blisters are bandaged by *",
  ],
];

const NAMES = "ana ben carla david emma felix greta hugo iris jonas karla leo".split(" ");
/** Sentences of a story. */
const [FEWEST, MOST] = [4, 6] as const;

/** What every wording of every plot says, by numbers: those of one plot follow each other. */
const EVENTS = PLOTS.flatMap((plot) => plot.map((wordings) => wordings.split("|")));

function story(random: Random): { sentences: string[][]; meanings: number[] } {
  const pick = <Item>(items: readonly Item[]): Item => items[random.integer(items.length)]!;
  const plot = random.integer(PLOTS.length);
  const length = FEWEST + random.integer(MOST - FEWEST + 1);
  const first = random.integer(PLOTS[plot]!.length - length + 1);
  const name = pick(NAMES);
  const before = PLOTS.slice(0, plot).reduce((sum, { length }) => sum + length, 0);
  const meanings = Array.from({ length }, (_, index) => before + first + index);
  return {
    sentences: meanings.map((event) => pick(EVENTS[event]!).replace("*", name).split(" ")),
    meanings,
  };
}

const SIZES = { train: 20_000, validation: 200, test: 400 } as const;
/** One story in so many is kept from training. */
const HELD_OUT = 20;

function draw(passages: Passages, seed: number, split: keyof typeof SIZES): Passage[] {
  const random = new Random(seed, `stories ${split}`);
  const found: Passage[] = [];
  while (found.length < SIZES[split]) {
    const { sentences, meanings } = story(random);
    const words = sentences.flat();
    if ((hashString(`story ${words.join(" ")}`) % HELD_OUT === 0) === (split === "train")) continue;
    let end = 0;
    const ends = sentences.map(({ length }) => {
      end += length;
      return end;
    });
    found.push(passages.add(words, { ends, meanings }));
  }
  return found;
}

/** Short stories in which it is known which sentences say the same. */
export const stories: TextDataset = {
  id: "stories",
  kind: "text",
  title: "short stories of things that happen in order, each worded in several ways",
  origin: "generated by Regard; nothing is downloaded",
  splits: { test: "stories that training never tells" },
  load: async (seed) => drawnText((passages, split) => draw(passages, seed, split)),
};
