/** Words of the English–Spanish grammar, with what agreement needs to know of them. */

export type Gender = "m" | "f";
/** What a noun can be the object or place of. */
export type Category =
  | "drink"
  | "food"
  | "reading"
  | "sound"
  | "thing"
  | "clothes"
  | "animal"
  | "place"
  | "person"
  | "idea";

export interface Noun {
  readonly en: string;
  readonly enPlural: string;
  readonly es: string;
  readonly esPlural: string;
  readonly gender: Gender;
  readonly category: Category;
  /** Has no plural and needs no article in English: coffee, music. */
  readonly mass: boolean;
  /** Feminine, but takes "el" and "un" in the singular: el agua. */
  readonly stressedA: boolean;
}

function spanishPlural(word: string): string {
  if (/[aeiouáéó]$/.test(word)) return `${word}s`;
  if (word.endsWith("z")) return `${word.slice(0, -1)}ces`;
  const unaccented: Record<string, string> = { ón: "ones", án: "anes", ín: "ines", és: "eses" };
  return word.length > 3 && unaccented[word.slice(-2)]
    ? word.slice(0, -2) + unaccented[word.slice(-2)]
    : `${word}es`;
}

function englishPlural(word: string): string {
  if (/[^aeiou]y$/.test(word)) return `${word.slice(0, -1)}ies`;
  return /(s|x|ch|sh|potato|tomato)$/.test(word) ? `${word}es` : `${word}s`;
}

const irregularPlurals: Readonly<Record<string, string>> = {
  man: "men",
  woman: "women",
  mouse: "mice",
  knife: "knives",
  wolf: "wolves",
};

/** Reads "english:spanish:gender" entries. */
function nouns(category: Category, mass: boolean, text: string): Noun[] {
  return text
    .trim()
    .split(/\s*,\s*/)
    .map((entry) => {
      const [en, es, gender] = entry.split(":") as [string, string, Gender];
      return {
        en,
        es,
        gender,
        category,
        mass,
        enPlural: irregularPlurals[en] ?? englishPlural(en),
        esPlural: es === "lápiz" ? "lápices" : es === "joven" ? "jóvenes" : spanishPlural(es),
        stressedA: es === "agua",
      };
    });
}

export const lexiconNouns: readonly Noun[] = [
  ...nouns(
    "drink",
    true,
    "coffee:café:m, tea:té:m, milk:leche:f, water:agua:f, wine:vino:m, beer:cerveza:f, juice:zumo:m, lemonade:limonada:f",
  ),
  ...nouns(
    "food",
    true,
    "bread:pan:m, rice:arroz:m, cheese:queso:m, meat:carne:f, fish:pescado:m, soup:sopa:f, chocolate:chocolate:m, fruit:fruta:f, butter:mantequilla:f, honey:miel:f, ham:jamón:m",
  ),
  ...nouns(
    "food",
    false,
    "apple:manzana:f, orange:naranja:f, egg:huevo:m, potato:patata:f, tomato:tomate:m, cake:pastel:m, sandwich:bocadillo:m, cookie:galleta:f, banana:plátano:m, carrot:zanahoria:f, onion:cebolla:f, salad:ensalada:f, strawberry:fresa:f, pear:pera:f, lemon:limón:m",
  ),
  ...nouns(
    "reading",
    false,
    "book:libro:m, letter:carta:f, newspaper:periódico:m, tale:cuento:m, poem:poema:m, novel:novela:f, magazine:revista:f, message:mensaje:m",
  ),
  ...nouns(
    "sound",
    false,
    "song:canción:f, guitar:guitarra:f, piano:piano:m, violin:violín:m, drum:tambor:m, flute:flauta:f",
  ),
  ...nouns(
    "thing",
    false,
    "car:coche:m, table:mesa:f, chair:silla:f, door:puerta:f, window:ventana:f, key:llave:f, phone:teléfono:m, computer:ordenador:m, clock:reloj:m, box:caja:f, bicycle:bicicleta:f, boat:barco:m, train:tren:m, plane:avión:m, map:mapa:m, lamp:lámpara:f, cup:taza:f, glass:vaso:m, plate:plato:m, knife:cuchillo:m, spoon:cuchara:f, pencil:lápiz:m, flower:flor:f, tree:árbol:m, bed:cama:f, ball:pelota:f, photo:foto:f, painting:cuadro:m, mirror:espejo:m, camera:cámara:f",
  ),
  ...nouns(
    "clothes",
    false,
    "shirt:camisa:f, shoe:zapato:m, hat:sombrero:m, dress:vestido:m, bag:bolsa:f, coat:abrigo:m, skirt:falda:f, glove:guante:m",
  ),
  ...nouns(
    "animal",
    false,
    "dog:perro:m, cat:gato:m, horse:caballo:m, bird:pájaro:m, cow:vaca:f, mouse:ratón:m, rabbit:conejo:m, duck:pato:m, bear:oso:m, lion:león:m, bee:abeja:f, butterfly:mariposa:f, frog:rana:f, snake:serpiente:f, wolf:lobo:m, pig:cerdo:m",
  ),
  ...nouns(
    "place",
    false,
    "house:casa:f, garden:jardín:m, river:río:m, mountain:montaña:f, beach:playa:f, city:ciudad:f, village:pueblo:m, street:calle:f, bridge:puente:m, school:escuela:f, hospital:hospital:m, church:iglesia:f, museum:museo:m, park:parque:m, shop:tienda:f, kitchen:cocina:f, station:estación:f, library:biblioteca:f, market:mercado:m, forest:bosque:m",
  ),
  ...nouns(
    "person",
    false,
    "boy:niño:m, girl:niña:f, man:hombre:m, woman:mujer:f, father:padre:m, mother:madre:f, brother:hermano:m, sister:hermana:f, son:hijo:m, daughter:hija:f, uncle:tío:m, aunt:tía:f, grandfather:abuelo:m, grandmother:abuela:f, king:rey:m, queen:reina:f, actor:actor:m, actress:actriz:f, waiter:camarero:m, waitress:camarera:f, doctor:médico:m, neighbour:vecino:m, student:estudiante:m, baby:bebé:m",
  ),
  ...nouns(
    "idea",
    true,
    "music:música:f, art:arte:m, history:historia:f, science:ciencia:f, poetry:poesía:f, rain:lluvia:f, snow:nieve:f, silence:silencio:m, summer:verano:m, winter:invierno:m",
  ),
];

export interface Adjective {
  readonly en: string;
  /** Masculine singular; the other forms follow from it. */
  readonly es: string;
  readonly categories: readonly Category[];
  /** The verb "to be" it takes. */
  readonly be: "ser" | "estar";
}

const OBJECTS: readonly Category[] = ["thing", "clothes"];
const LIVING: readonly Category[] = ["person", "animal"];

function adjectives(be: Adjective["be"], categories: readonly Category[], text: string): Adjective[] {
  return text
    .trim()
    .split(/\s*,\s*/)
    .map((entry) => {
      const [en, es] = entry.split(":") as [string, string];
      return { en, es, categories, be };
    });
}

export const lexiconAdjectives: readonly Adjective[] = [
  ...adjectives(
    "ser",
    [...OBJECTS, "animal", "place"],
    "white:blanco, black:negro, yellow:amarillo, grey:gris",
  ),
  ...adjectives("ser", OBJECTS, "red:rojo, blue:azul, green:verde, heavy:pesado, round:redondo, long:largo"),
  ...adjectives("ser", [...OBJECTS, "animal", "place", "sound"], "big:grande, small:pequeño"),
  ...adjectives(
    "ser",
    [...OBJECTS, "place", "reading", "sound"],
    "new:nuevo, old:viejo, beautiful:bonito, ugly:feo, ancient:antiguo",
  ),
  ...adjectives("ser", [...OBJECTS, "food", "drink"], "expensive:caro, cheap:barato"),
  ...adjectives(
    "ser",
    ["reading", "sound"],
    "interesting:interesante, sad:triste, short:corto, strange:extraño",
  ),
  ...adjectives(
    "ser",
    ["person"],
    "tall:alto, old:viejo, young:joven, famous:famoso, kind:amable, intelligent:inteligente, poor:pobre, rich:rico",
  ),
  ...adjectives("ser", LIVING, "strong:fuerte, happy:feliz, fast:rápido, slow:lento, dangerous:peligroso"),
  ...adjectives("ser", ["food", "drink"], "sweet:dulce, fresh:fresco, delicious:delicioso"),
  ...adjectives("estar", ["food", "drink"], "hot:caliente, cold:frío"),
  ...adjectives("estar", [...OBJECTS, "place"], "clean:limpio, dirty:sucio, empty:vacío, full:lleno"),
  ...adjectives("estar", LIVING, "tired:cansado, sick:enfermo, angry:enfadado, hungry:hambriento"),
  ...adjectives("estar", ["thing"], "broken:roto"),
];

export function agree(adjective: string, gender: Gender, plural: boolean): string {
  const singular = gender === "f" && adjective.endsWith("o") ? `${adjective.slice(0, -1)}a` : adjective;
  if (!plural) return singular;
  return singular === "joven" ? "jóvenes" : spanishPlural(singular);
}

/** Persons in the order of conjugation tables: I, you, he or she, we, you all, they. */
export type Person = 0 | 1 | 2 | 3 | 4 | 5;

export interface Verb {
  /** Base form; a particle may follow: "look for". */
  readonly en: readonly string[];
  readonly enThird: string;
  readonly enParticiple: string;
  readonly enGerund: string;
  readonly es: string;
  readonly present: readonly string[];
  readonly participle: string;
  readonly gerund: string;
  /** Categories of the direct object; none for verbs without one. */
  readonly objects: readonly Category[];
}

const ENDINGS = {
  ar: ["o", "as", "a", "amos", "áis", "an"],
  er: ["o", "es", "e", "emos", "éis", "en"],
  ir: ["o", "es", "e", "imos", "ís", "en"],
} as const;

interface Irregular {
  /** The stem where it carries the stress: duerm-. */
  stem?: string;
  first?: string;
  present?: string;
  participle?: string;
  gerund?: string;
}

function verb(
  english: string,
  participle: string,
  spanish: string,
  objects: string,
  irregular: Irregular & { third?: string; ing?: string } = {},
): Verb {
  const [base, ...particle] = english.split(" ");
  const stem = spanish.slice(0, -2);
  const kind = spanish.slice(-2) as keyof typeof ENDINGS;
  const present =
    irregular.present?.split(" ") ??
    ENDINGS[kind].map((ending, person) =>
      person === 0 && irregular.first
        ? irregular.first
        : (person === 3 || person === 4 ? stem : (irregular.stem ?? stem)) + ending,
    );
  return {
    en: [base!, ...particle],
    enThird:
      irregular.third ??
      (/(s|sh|ch|o)$/.test(base!)
        ? `${base}es`
        : /[^aeiou]y$/.test(base!)
          ? `${base!.slice(0, -1)}ies`
          : `${base}s`),
    enParticiple: participle,
    enGerund: irregular.ing ?? (/[^e]e$/.test(base!) ? `${base!.slice(0, -1)}ing` : `${base}ing`),
    es: spanish,
    present,
    participle: irregular.participle ?? stem + (kind === "ar" ? "ado" : "ido"),
    gerund: irregular.gerund ?? stem + (kind === "ar" ? "ando" : "iendo"),
    objects: objects === "" ? [] : (objects.split(" ") as Category[]),
  };
}

export const lexiconVerbs: readonly Verb[] = [
  verb("eat", "eaten", "comer", "food"),
  verb("drink", "drunk", "beber", "drink"),
  verb("buy", "bought", "comprar", "food drink thing clothes reading"),
  verb("sell", "sold", "vender", "food drink thing clothes reading"),
  verb("read", "read", "leer", "reading", { participle: "leído", gerund: "leyendo" }),
  verb("write", "written", "escribir", "reading", { participle: "escrito" }),
  verb("see", "seen", "ver", "thing animal place person clothes", {
    first: "veo",
    present: "veo ves ve vemos veis ven",
    participle: "visto",
    ing: "seeing",
  }),
  verb("look for", "looked", "buscar", "thing animal person clothes reading"),
  verb("find", "found", "encontrar", "thing animal clothes reading", { stem: "encuentr" }),
  verb("listen to", "listened", "escuchar", "sound person"),
  verb("play", "played", "tocar", "sound"),
  verb("paint", "painted", "pintar", "thing animal place person"),
  verb("clean", "cleaned", "limpiar", "thing place clothes"),
  verb("wash", "washed", "lavar", "clothes thing"),
  verb("open", "opened", "abrir", "thing reading", { participle: "abierto" }),
  verb("lose", "lost", "perder", "thing clothes reading", { stem: "pierd" }),
  verb("carry", "carried", "llevar", "thing clothes food", { ing: "carrying" }),
  verb("cook", "cooked", "cocinar", "food"),
  verb("prepare", "prepared", "preparar", "food drink"),
  verb("visit", "visited", "visitar", "place person"),
  verb("help", "helped", "ayudar", "person"),
  verb("call", "called", "llamar", "person"),
  verb("wait for", "waited", "esperar", "person"),
  verb("follow", "followed", "seguir", "person animal", {
    present: "sigo sigues sigue seguimos seguís siguen",
    gerund: "siguiendo",
  }),
  verb("draw", "drawn", "dibujar", "animal person thing place"),
  verb("break", "broken", "romper", "thing", { participle: "roto" }),
  verb("repair", "repaired", "reparar", "thing"),
  verb("hide", "hidden", "esconder", "thing clothes food"),
  verb("study", "studied", "estudiar", "idea", { ing: "studying" }),
  verb("teach", "taught", "enseñar", "idea"),
  verb("work", "worked", "trabajar", ""),
  verb("sleep", "slept", "dormir", "", { stem: "duerm", gerund: "durmiendo" }),
  verb("sing", "sung", "cantar", ""),
  verb("dance", "danced", "bailar", "", { ing: "dancing" }),
  verb("run", "run", "correr", "", { ing: "running" }),
  verb("walk", "walked", "caminar", ""),
  verb("travel", "travelled", "viajar", "", { ing: "travelling" }),
  verb("swim", "swum", "nadar", "", { ing: "swimming" }),
  verb("rest", "rested", "descansar", ""),
  verb("live", "lived", "vivir", "", { ing: "living" }),
];

/** Verbs followed by a clause. */
export const clauseVerbs: readonly Verb[] = [
  verb("say", "said", "decir", "", { present: "digo dices dice decimos decís dicen" }),
  verb("think", "thought", "pensar", "", { stem: "piens" }),
  verb("believe", "believed", "creer", ""),
  verb("know", "known", "saber", "", { first: "sé" }),
];

/** Verbs followed by an infinitive, with the words between: English after it, Spanish after it. */
export const infinitiveVerbs: readonly { verb: Verb; en: readonly string[]; es: readonly string[] }[] = [
  { verb: verb("want", "wanted", "querer", "", { stem: "quier" }), en: ["to"], es: [] },
  { verb: verb("need", "needed", "necesitar", ""), en: ["to"], es: [] },
  {
    verb: verb("have", "had", "tener", "", { first: "tengo", stem: "tien", third: "has" }),
    en: ["to"],
    es: ["que"],
  },
  { verb: verb("learn", "learned", "aprender", ""), en: ["to"], es: ["a"] },
];

export const possess = verb("have", "had", "tener", "thing animal clothes reading food", {
  first: "tengo",
  stem: "tien",
  third: "has",
  ing: "having",
});

/** Verbs whose English subject is a Spanish dative: "I like" is "me gusta", it pleases me. */
export const dativeVerbs: readonly { en: string; enThird: string; es: string; esPlural: string }[] = [
  { en: "like", enThird: "likes", es: "gusta", esPlural: "gustan" },
  { en: "love", enThird: "loves", es: "encanta", esPlural: "encantan" },
];

export const names: readonly string[] =
  "Ana María Lucía Carmen Elena Sofía Pedro Juan Luis Carlos Diego Pablo Miguel Jorge".split(" ");

export const feminineNames = new Set(names.slice(0, 6));

/** English, Spanish. */
export const numbers: readonly (readonly [string, string])[] = [
  ["two", "dos"],
  ["three", "tres"],
  ["four", "cuatro"],
  ["five", "cinco"],
  ["six", "seis"],
  ["seven", "siete"],
  ["eight", "ocho"],
  ["nine", "nueve"],
  ["ten", "diez"],
  ["eleven", "once"],
  ["twelve", "doce"],
  ["twenty", "veinte"],
];

/** Phrases that close a clause, word groups aligned in order: "every day" is "todos los días". */
export const adverbs: readonly (readonly [string, string])[] = [
  ["today", "hoy"],
  ["now", "ahora"],
  ["every|day", "todos+los|días"],
  ["often", "a+menudo"],
  ["here", "aquí"],
  ["there", "allí"],
  ["in|the|morning", "por|la|mañana"],
  ["at|night", "por+la|noche"],
  ["at|home", "en|casa"],
  ["too", "también"],
  ["again", "otra+vez"],
];

/** English words, Spanish words; the last Spanish "de" joins with a following "el". */
export const prepositions: readonly {
  en: readonly string[];
  es: readonly string[];
  categories: readonly Category[];
}[] = [
  { en: ["in"], es: ["en"], categories: ["place"] },
  { en: ["near"], es: ["cerca", "de"], categories: ["place", "thing"] },
  { en: ["behind"], es: ["detrás", "de"], categories: ["place", "thing"] },
  { en: ["under"], es: ["debajo", "de"], categories: ["thing"] },
  { en: ["on"], es: ["sobre"], categories: ["thing"] },
  { en: ["with"], es: ["con"], categories: ["person", "animal"] },
  { en: ["without"], es: ["sin"], categories: ["person", "animal"] },
];

export const BE = {
  en: ["am", "are", "is", "are", "are", "are"],
  ser: ["soy", "eres", "es", "somos", "sois", "son"],
  estar: ["estoy", "estás", "está", "estamos", "estáis", "están"],
} as const;

export const GO = ["voy", "vas", "va", "vamos", "vais", "van"] as const;
export const HAVE = ["he", "has", "ha", "hemos", "habéis", "han"] as const;
