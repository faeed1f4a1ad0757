import type { Random } from "../../../core/index.js";
import type { Link, Pair } from "../../contract.js";
import {
  type Adjective,
  adverbs,
  agree,
  BE,
  type Category,
  clauseVerbs,
  dativeVerbs,
  feminineNames,
  type Gender,
  GO,
  HAVE,
  infinitiveVerbs,
  lexiconAdjectives,
  lexiconNouns,
  lexiconVerbs,
  type Noun,
  names,
  numbers,
  type Person,
  possess,
  prepositions,
  type Verb,
} from "./lexicon.js";

/**
 * A word and the meanings it carries. Words of the two languages that carry one meaning are linked, for sure where
 * both express it and possibly where one only goes along with it, as an article that the other language leaves out.
 */
interface Word {
  readonly text: string;
  readonly sure: readonly number[];
  readonly possible: readonly number[];
}

/** A phrase in both languages at once. */
interface Phrase {
  readonly en: readonly Word[];
  readonly es: readonly Word[];
}

interface NounPhrase extends Phrase {
  readonly person: Person;
  readonly gender: Gender;
  /** Left out in Spanish, where the verb's ending says it. */
  readonly dropped: boolean;
  readonly human: boolean;
  /** The meanings that words such as "le" go along with. */
  readonly head: number;
  readonly noun?: Noun;
}

/** A sentence with the word combinations in it that a split may hold out. */
export interface Sentence extends Pair {
  readonly combinations: readonly string[];
}

const word = (text: string, sure: readonly number[], possible: readonly number[] = []): Word => ({
  text,
  sure,
  possible,
});

const categories = [...new Set(lexiconNouns.map(({ category }) => category))];
const nounsOf = new Map(
  categories.map((category) => [category, lexiconNouns.filter((noun) => noun.category === category)]),
);
const adjectivesOf = new Map(
  categories.map((category) => [
    category,
    lexiconAdjectives.filter((adjective) => adjective.categories.includes(category)),
  ]),
);

/** Draws sentences. One instance draws one sentence, since it numbers meanings and collects combinations. */
class Speaker {
  readonly #random: Random;
  readonly #combinations: string[] = [];
  #meanings = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  sentence(): Sentence {
    const random = this.#random;
    const kind = random.integer(20);
    const phrase =
      kind < 9
        ? this.#clause()
        : kind < 12
          ? this.#question()
          : kind < 15
            ? this.#embedded()
            : kind < 18
              ? this.#joined()
              : this.#existence();
    return { ...link(phrase), combinations: this.#combinations };
  }

  #meaning(): number {
    return this.#meanings++;
  }

  #chance(probability: number): boolean {
    return this.#random.uniform() < probability;
  }

  #pick<Item>(items: readonly Item[]): Item {
    return this.#random.pick(items);
  }

  /** A statement. */
  #clause(): Phrase {
    const kind = this.#random.integer(10);
    if (kind < 2) return this.#dative(false);
    if (kind < 4) return this.#state(false);
    return this.#action(false);
  }

  #question(): Phrase {
    const kind = this.#random.integer(8);
    if (kind < 2) return asked(this.#dative(true));
    if (kind < 3) return asked(this.#state(true));
    if (kind < 5) return asked(this.#wh());
    return asked(this.#action(true));
  }

  /** "Ana says that …" */
  #embedded(): Phrase {
    const subject = this.#subject(true);
    const verb = this.#finite(subject, this.#pick(clauseVerbs), {
      polarity: this.#chance(0.15),
      simple: true,
    });
    const that = this.#meaning();
    const inner = this.#clause();
    return join(subject, verb, { en: [word("that", [that])], es: [word("que", [that])] }, inner);
  }

  /** Two statements with a conjunction. */
  #joined(): Phrase {
    const [en, es] = this.#pick([
      ["and", "y"],
      ["but", "pero"],
      ["because", "porque"],
      ["when", "cuando"],
      ["if", "si"],
    ] as const);
    const meaning = this.#meaning();
    return join(this.#clause(), { en: [word(en, [meaning])], es: [word(es, [meaning])] }, this.#clause());
  }

  /** "There are two books on the table." */
  #existence(): Phrase {
    const noun = this.#noun(["thing", "animal", "person", "reading", "clothes"]);
    const phrase = this.#determined(noun, this.#pick(["a", "number", "many"] as const));
    const exists = this.#meaning();
    const not = this.#chance(0.2) ? this.#meaning() : undefined;
    const there: Phrase = {
      en: [
        word("there", [exists]),
        word(phrase.person === 5 ? "are" : "is", [exists]),
        ...(not === undefined ? [] : [word("not", [not])]),
      ],
      es: [...(not === undefined ? [] : [word("no", [not])]), word("hay", [exists])],
    };
    return join(there, phrase, this.#place());
  }

  /** Subject, verb, object, and what may follow. A question puts the Spanish subject after the verb. */
  #action(question: boolean): Phrase {
    const subject = this.#subject(true);
    const kind = this.#random.integer(10);
    const negative = this.#chance(question ? 0.05 : 0.25);
    if (kind < 2) return this.#modal(subject, negative, question);
    const verb = kind < 3 ? possess : this.#pick(lexiconVerbs);
    const object = this.#object(verb);
    const predicate = this.#finite(subject, verb, { polarity: negative, question, simple: verb === possess });
    const ending = this.#chance(0.3)
      ? this.#adverb()
      : verb.objects.length === 0 && this.#chance(0.6)
        ? this.#place()
        : nothing;
    return question
      ? invert(subject, predicate, join(object, ending))
      : join(subject, predicate, object, ending);
  }

  /** "wants to read the book" */
  #modal(subject: NounPhrase, negative: boolean, question: boolean): Phrase {
    const { verb, en, es } = this.#pick(infinitiveVerbs);
    const finite = this.#finite(subject, verb, { polarity: negative, question, simple: true });
    const meaning = this.#meaning();
    const joint: Phrase = {
      en: en.map((text) => word(text, es.length > 0 ? [meaning] : [])),
      es: es.map((text) => word(text, [meaning])),
    };
    const infinitive = this.#infinitive();
    return question
      ? invert(subject, finite, join(joint, infinitive))
      : join(subject, finite, joint, infinitive);
  }

  #infinitive(): Phrase {
    const verb = this.#pick(lexiconVerbs);
    const meaning = this.#meaning();
    return join(
      { en: verb.en.map((text) => word(text, [meaning])), es: [word(verb.es, [meaning])] },
      this.#object(verb),
    );
  }

  /** "I like coffee": the one who likes is a dative, and what is liked is the Spanish subject. */
  #dative(question: boolean): Phrase {
    const liker = this.#subject(true);
    const { en, enThird, es, esPlural } = this.#pick(dativeVerbs);
    const likes = this.#meaning();
    const not = this.#chance(question ? 0.05 : 0.25) ? this.#meaning() : undefined;
    const act = this.#chance(0.25);
    const liked = act ? this.#toInfinitive() : this.#generic(en);
    const third = liker.person === 2;
    const auxiliary = question || not !== undefined;
    const does = word(third ? "does" : "do", [], [likes]);
    const english = auxiliary ? en : third ? enThird : en;
    const negation = not === undefined ? [] : [word("not", [not])];
    const pronoun = ["me", "te", "le", "nos", "os", "les"][liker.person]!;
    const clitic = liker.dropped
      ? word(
          pronoun,
          liker.en.flatMap(({ sure }) => sure),
        )
      : word(pronoun, [], [liker.head]);
    const verbWord = word(!act && (liked as NounPhrase).person === 5 ? esPlural : es, [likes]);
    const spanishVerb = [...(not === undefined ? [] : [word("no", [not])]), clitic, verbWord];
    const toLiker = liker.dropped ? [] : withA(liker.es, liker.head);
    if (question)
      return {
        en: [does, ...liker.en, ...negation, word(english, [likes]), ...liked.en],
        es: [...spanishVerb, ...toLiker, ...liked.es],
      };
    return {
      en: [...liker.en, ...(auxiliary ? [does, ...negation] : []), word(english, [likes]), ...liked.en],
      es: [...toLiker, ...spanishVerb, ...liked.es],
    };
  }

  #toInfinitive(): Phrase {
    const infinitive = this.#infinitive();
    return { en: [word("to", [], infinitive.en[0]!.sure), ...infinitive.en], es: infinitive.es };
  }

  /** Things in general: no article in English, the definite one in Spanish. */
  #generic(verb: string): NounPhrase {
    if (this.#chance(0.25))
      return this.#determined(
        this.#noun(["food", "thing", "reading", "sound", "place", "clothes"]),
        this.#pick(["this", "that", "my", "your", "our"] as const),
      );
    const noun = this.#noun(["drink", "food", "idea", "animal", "reading", "thing"]);
    this.#combinations.push(`${verb} ${noun.en}`);
    const meaning = this.#meaning();
    const plural = !noun.mass;
    return {
      en: [word(plural ? noun.enPlural : noun.en, [meaning])],
      es: [word(article(noun, plural), [], [meaning]), word(plural ? noun.esPlural : noun.es, [meaning])],
      person: plural ? 5 : 2,
      gender: noun.gender,
      dropped: false,
      human: false,
      head: meaning,
      noun,
    };
  }

  /** "The house is big", "Ana is in the garden". */
  #state(question: boolean): Phrase {
    const subject = this.#chance(0.5)
      ? this.#subject(true)
      : this.#determined(
          this.#noun(["thing", "animal", "clothes", "food", "place", "reading"]),
          this.#pick(["the", "this", "that", "my", "your", "our"] as const),
        );
    const category = subject.noun?.category ?? "person";
    const speaker = subject.noun === undefined && subject.dropped;
    const fitting = lexiconAdjectives.filter(
      ({ categories, es }) =>
        categories.includes(category) &&
        // Of speaker and listener the gender is not known, so only adjectives that hide it are used.
        !(speaker && agree(es, "m", false) !== agree(es, "f", false)),
    );
    const not = this.#chance(question ? 0.05 : 0.2) ? this.#meaning() : undefined;
    const is = this.#meaning();
    const place = category !== "place" && this.#chance(0.3);
    const adjective = place ? undefined : this.#pick(fitting);
    const be = adjective?.be ?? "estar";
    const negation = not === undefined ? nothing : { en: [word("not", [not])], es: [word("no", [not])] };
    const verb = { en: word(BE.en[subject.person], [is]), es: word(BE[be][subject.person], [is]) };
    const complement = adjective ? this.#predicate(adjective, subject) : this.#place();
    if (question)
      return {
        en: [verb.en, ...subject.en, ...negation.en, ...complement.en],
        es: [...negation.es, verb.es, ...subject.es, ...complement.es],
      };
    return {
      en: [...subject.en, verb.en, ...negation.en, ...complement.en],
      es: [...subject.es, ...negation.es, verb.es, ...complement.es],
    };
  }

  #predicate(adjective: Adjective, subject: NounPhrase): Phrase {
    if (subject.noun) this.#combinations.push(`${adjective.en} ${subject.noun.en}`);
    const meaning = this.#meaning();
    const very = this.#chance(0.25) ? this.#meaning() : undefined;
    const form = agree(adjective.es, subject.gender, subject.person >= 3);
    return {
      en: [...(very === undefined ? [] : [word("very", [very])]), word(adjective.en, [meaning])],
      es: [...(very === undefined ? [] : [word("muy", [very])]), word(form, [meaning])],
    };
  }

  /** "Where does Ana work", "what does she buy", "why does he sing". */
  #wh(): Phrase {
    const subject = this.#subject(true);
    const asks = this.#meaning();
    const [en, es] = this.#pick([
      ["where", ["dónde"]],
      ["when", ["cuándo"]],
      ["why", ["por", "qué"]],
      ["what", ["qué"]],
    ] as const);
    const verb = this.#pick(
      lexiconVerbs.filter(({ objects }) =>
        en === "what" ? objects.includes("food") || objects.includes("thing") : true,
      ),
    );
    const object = en === "what" ? nothing : this.#object(verb);
    const finite = this.#finite(subject, verb, { polarity: false, question: true });
    const question: Phrase = { en: [word(en, [asks])], es: es.map((text) => word(text, [asks])) };
    return join(question, invert(subject, finite, object));
  }

  /**
   * A verb that agrees with its subject, in one of four tenses. In a question the English auxiliary comes first:
   * it is marked by an empty word that `invert` puts the subject at.
   */
  #finite(
    subject: NounPhrase,
    verb: Verb,
    options: { polarity: boolean; question?: boolean; simple?: boolean },
  ): Phrase {
    const { person } = subject;
    const meaning = this.#meaning();
    const not = options.polarity ? this.#meaning() : undefined;
    // An ending that stands for a left-out subject says it as well as the verb.
    const spoken = subject.dropped ? [meaning, ...subject.en.flatMap(({ sure }) => sure)] : [meaning];
    const no = not === undefined ? [] : [word("no", [not])];
    const negation = not === undefined ? [] : [word("not", [not])];
    const gap = options.question ? [GAP] : [];
    const particle = verb.en.slice(1).map((text) => word(text, [meaning]));
    const tense = options.simple ? 0 : this.#random.integer(7);
    if (tense < 4) {
      const spanish = word(verb.present[person]!, spoken);
      const third = person === 2;
      const base = word(verb.en[0]!, [meaning]);
      if (options.question || options.polarity)
        return {
          en: [word(third ? "does" : "do", [], [meaning]), ...gap, ...negation, base, ...particle],
          es: [...no, spanish],
        };
      return { en: [third ? word(verb.enThird, [meaning]) : base, ...particle], es: [spanish] };
    }
    const helper = this.#meaning();
    const helperSpoken = subject.dropped ? [helper, ...subject.en.flatMap(({ sure }) => sure)] : [helper];
    if (tense === 4)
      return {
        en: [
          word(BE.en[person], [helper]),
          ...gap,
          ...negation,
          word("going", [helper]),
          word("to", [helper]),
          ...verb.en.map((text) => word(text, [meaning])),
        ],
        es: [...no, word(GO[person], helperSpoken), word("a", [helper]), word(verb.es, [meaning])],
      };
    if (tense === 5)
      return {
        en: [word(BE.en[person], [helper]), ...gap, ...negation, word(verb.enGerund, [meaning]), ...particle],
        es: [...no, word(BE.estar[person], helperSpoken), word(verb.gerund, [meaning])],
      };
    return {
      en: [
        word(person === 2 ? "has" : "have", [helper]),
        ...gap,
        ...negation,
        word(verb.enParticiple, [meaning]),
        ...particle,
      ],
      es: [...no, word(HAVE[person], helperSpoken), word(verb.participle, [meaning])],
    };
  }

  #subject(human: boolean): NounPhrase {
    const kind = this.#random.integer(10);
    const meaning = this.#meaning();
    if (kind < 4) {
      const [en, es, person, gender] = this.#pick([
        [["I"], "", 0, "m"],
        [["you"], "", 1, "m"],
        [["we"], "", 3, "m"],
        [["you", "all"], "", 4, "m"],
        [["he"], "él", 2, "m"],
        [["she"], "ella", 2, "f"],
        [["they"], "ellos", 5, "m"],
      ] as const);
      return {
        en: en.map((text) => word(text, [meaning])),
        es: es === "" ? [] : [word(es, [meaning])],
        person,
        gender,
        dropped: es === "",
        human: true,
        head: meaning,
      };
    }
    if (kind < 7) {
      const name = this.#pick(names);
      return {
        en: [word(name, [meaning])],
        es: [word(name, [meaning])],
        person: 2,
        gender: feminineNames.has(name) ? "f" : "m",
        dropped: false,
        human: true,
        head: meaning,
      };
    }
    const phrase = this.#determined(
      this.#noun(human ? ["person"] : ["animal"]),
      this.#pick(["the", "the", "my", "your", "our", "this", "that", "number", "a"] as const),
    );
    return this.#chance(0.08) ? this.#withClause(phrase) : phrase;
  }

  /** "the man who reads the book" */
  #withClause(phrase: NounPhrase): NounPhrase {
    const who = this.#meaning();
    const verb = this.#pick(lexiconVerbs);
    const clause = join(
      { en: [word("who", [who])], es: [word("que", [who])] },
      this.#finite(phrase, verb, { polarity: false, simple: true }),
      this.#object(verb),
    );
    return { ...phrase, ...join(phrase, clause) };
  }

  #noun(categories: readonly Category[]): Noun {
    const category = this.#pick(categories);
    return this.#pick(nounsOf.get(category)!);
  }

  /** A direct object, with the "a" that Spanish puts before people. */
  #object(verb: Verb): Phrase {
    if (verb.objects.length === 0) return nothing;
    if (verb.objects.includes("person") && this.#chance(0.25)) {
      const name = this.#pick(names);
      const meaning = this.#meaning();
      return { en: [word(name, [meaning])], es: [word("a", [], [meaning]), word(name, [meaning])] };
    }
    const noun = this.#noun(verb.objects);
    this.#combinations.push(`${verb.en.join(" ")} ${noun.en}`);
    const phrase = noun.mass
      ? this.#determined(
          noun,
          this.#pick(
            noun.category === "idea" ? (["bare"] as const) : (["bare", "bare", "the", "my", "this"] as const),
          ),
        )
      : this.#determined(
          noun,
          this.#pick([
            "the",
            "the",
            "a",
            "a",
            "my",
            "your",
            "our",
            "this",
            "that",
            "number",
            "many",
            "some",
          ] as const),
        );
    return phrase.human ? { en: phrase.en, es: withA(phrase.es, phrase.head) } : phrase;
  }

  /** A noun with its determiner and adjectives, which follow the noun in Spanish in the opposite order. */
  #determined(
    noun: Noun,
    determiner: "the" | "a" | "my" | "your" | "our" | "this" | "that" | "number" | "many" | "some" | "bare",
  ): NounPhrase {
    const counted = determiner === "number" || determiner === "many" || determiner === "some";
    const plural =
      counted || (!noun.mass && determiner !== "a" && determiner !== "bare" && this.#chance(0.3));
    const meaning = this.#meaning();
    const determines = this.#meaning();
    const described: Adjective[] = [];
    const fitting = adjectivesOf.get(noun.category) ?? [];
    const count = determiner === "bare" || fitting.length < 2 ? 0 : this.#pick([0, 0, 0, 0, 1, 1, 1, 2]);
    while (described.length < count) {
      const adjective = this.#pick(fitting);
      if (!described.includes(adjective)) described.push(adjective);
    }
    const adjectiveWords = described.map((adjective) => {
      this.#combinations.push(`${adjective.en} ${noun.en}`);
      const quality = this.#meaning();
      return {
        en: word(adjective.en, [quality]),
        es: word(agree(adjective.es, noun.gender, plural), [quality]),
      };
    });
    const following = adjectiveWords[0]?.en.text ?? (plural ? noun.enPlural : noun.en);
    const [en, es] = this.#determiner(determiner, noun, plural, following);
    return {
      en: [
        ...(en === "" ? [] : [word(en, [determines])]),
        ...adjectiveWords.map((adjective) => adjective.en),
        word(plural ? noun.enPlural : noun.en, [meaning]),
      ],
      es: [
        ...(es === "" ? [] : [word(es, [determines])]),
        word(plural ? noun.esPlural : noun.es, [meaning]),
        ...adjectiveWords.map((adjective) => adjective.es).reverse(),
      ],
      person: plural ? 5 : 2,
      gender: noun.gender,
      dropped: false,
      human: noun.category === "person",
      head: meaning,
      noun,
    };
  }

  #determiner(kind: string, noun: Noun, plural: boolean, following: string): readonly [string, string] {
    const ending = (noun.gender === "f" ? "a" : "o") + (plural ? "s" : "");
    switch (kind) {
      case "the":
        return ["the", article(noun, plural)];
      case "a":
        return [
          /^[aeiou]/.test(following) ? "an" : "a",
          noun.gender === "f" && !noun.stressedA ? "una" : "un",
        ];
      case "my":
        return ["my", plural ? "mis" : "mi"];
      case "your":
        return ["your", plural ? "tus" : "tu"];
      case "our":
        return ["our", `nuestr${ending}`];
      case "this":
        return [plural ? "these" : "this", ending === "o" ? "este" : `est${ending}`];
      case "that":
        return [plural ? "those" : "that", ending === "o" ? "ese" : `es${ending}`];
      case "number":
        return this.#pick(numbers);
      case "many":
        return ["many", `much${ending}`];
      case "some":
        return ["some", `un${ending}`];
      default:
        return ["", ""];
    }
  }

  #place(): Phrase {
    const { en, es, categories } = this.#pick(prepositions);
    const meaning = this.#meaning();
    const phrase = this.#determined(
      this.#noun(categories),
      this.#pick(
        categories.includes("person")
          ? (["the", "my", "your", "our"] as const)
          : (["the", "the", "my", "this", "that", "a"] as const),
      ),
    );
    const spanish = [...es.map((text) => word(text, [meaning])), ...phrase.es];
    const at = es.length;
    // de + el becomes del, which means both.
    if (es.at(-1) === "de" && spanish[at]?.text === "el")
      spanish.splice(at - 1, 2, {
        text: "del",
        sure: [meaning, ...spanish[at]!.sure],
        possible: spanish[at]!.possible,
      });
    return { en: [...en.map((text) => word(text, [meaning])), ...phrase.en], es: spanish };
  }

  #adverb(): Phrase {
    const [en, es] = this.#pick(adverbs);
    const groups = en.split("|");
    const spanish = es.split("|");
    const meanings = groups.map(() => this.#meaning());
    const flat = (side: readonly string[]) =>
      side.flatMap((group, index) => group.split("+").map((text) => word(text, [meanings[index]!])));
    return { en: flat(groups), es: flat(spanish) };
  }
}

const nothing: Phrase = { en: [], es: [] };

/** Where the subject of an English question stands, after its auxiliary. */
const GAP: Word = { text: "", sure: [], possible: [] };

const join = (...phrases: readonly Phrase[]): Phrase => ({
  en: ([] as Word[]).concat(...phrases.map(({ en }) => en)),
  es: ([] as Word[]).concat(...phrases.map(({ es }) => es)),
});

/** A question: the subject after the English auxiliary and after the Spanish verb. */
function invert(subject: Phrase, verb: Phrase, rest: Phrase): Phrase {
  const gap = verb.en.indexOf(GAP);
  return {
    en: [...verb.en.slice(0, gap), ...subject.en, ...verb.en.slice(gap + 1), ...rest.en],
    es: [...verb.es, ...subject.es, ...rest.es],
  };
}

function asked({ en, es }: Phrase): Phrase {
  // Both languages end a question alike; the opening mark goes along with the closing one.
  const mark = 1_000_000;
  return { en: [...en, word("?", [mark])], es: [word("¿", [], [mark]), ...es, word("?", [mark])] };
}

const article = (noun: Noun, plural: boolean): string =>
  noun.gender === "m" ? (plural ? "los" : "el") : plural ? "las" : noun.stressedA ? "el" : "la";

/** "a" before a phrase, joined with "el" to "al". */
function withA(es: readonly Word[], head: number): Word[] {
  const [first, ...rest] = es;
  if (first?.text === "el") return [word("al", first.sure, [...first.possible, head]), ...rest];
  return [word("a", [], [head]), ...es];
}

/** Whether two words share a meaning. */
function shared(a: readonly number[], b: readonly number[]): boolean {
  for (const meaning of a) if (b.includes(meaning)) return true;
  return false;
}

/** Finds the links between the words of a phrase. */
function link({ en, es }: Phrase): Pair {
  const links: Link[] = [];
  for (const [source, from] of en.entries())
    for (const [target, to] of es.entries()) {
      const sure = shared(from.sure, to.sure);
      if (
        sure ||
        shared(from.sure, to.possible) ||
        shared(from.possible, to.sure) ||
        shared(from.possible, to.possible)
      )
        links.push({ source, target, sure });
    }
  return { source: en.map(({ text }) => text), target: es.map(({ text }) => text), links };
}

/** Draws an English sentence with its Spanish translation and the links between their words. */
export const drawSentence = (random: Random): Sentence => new Speaker(random).sentence();
