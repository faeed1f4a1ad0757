import { z } from "zod";
import { UsageError } from "../core/index.js";
import { readingOptions, vocabularyKinds } from "../data/index.js";
import { imageOptionsSchema } from "../task/index.js";
import { optimizerSchema } from "./optimizer.js";
import { scheduleSchema } from "./schedule.js";

/** When a run is over; the first that comes counts. */
export const budgetSchema = z
  .object({
    steps: z.int().min(1).max(1e9).optional(),
    epochs: z.number().positive().max(1e6).optional(),
    minutes: z.number().positive().max(1e6).optional(),
  })
  .refine(
    (budget) => Object.values(budget).some((limit) => limit !== undefined),
    "must have steps, epochs or minutes",
  );

export type Budget = z.output<typeof budgetSchema>;

/** Everything that decides what a run does, as `run.json` keeps it. */
export const settingsSchema = z.object({
  model: z.string(),
  configuration: z.record(z.string(), z.unknown()),
  /** The id of an embedded dataset, or the path of the user's own. */
  data: z.string(),
  dataOptions: z
    .object({
      from: z.string().optional(),
      to: z.string().optional(),
      skipBad: z.boolean().default(false),
      /** Words a sentence or caption may have; longer ones are left out. */
      maxLength: z.int().min(1).max(100_000).optional(),
      ...readingOptions,
    })
    .default({ skipBad: false }),
  /** How images are read, where the model reads images. */
  images: imageOptionsSchema.optional(),
  vocabulary: z
    .object({
      /** Whole words, or the pieces of words that byte-pair encoding finds. */
      kind: z.enum(vocabularyKinds).default("word"),
      /** Words or pieces a side that are kept at most, the most frequent. */
      size: z.int().min(1).max(1_000_000).default(30_000),
      /** How often a word, or a pair to be merged, must occur to be kept. */
      atLeast: z.int().min(1).default(1),
    })
    .default({ kind: "word", size: 30_000, atLeast: 1 }),
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
  batch: z.int().min(1).max(65_536).default(64),
  /** Targets of each example that a step trains on, such as captions of one image, which is read once for all of them. */
  targets: z.int().min(1).max(64).default(1),
  optimizer: optimizerSchema,
  learningRate: z.number().positive().max(100),
  schedule: scheduleSchema,
  /** The largest global norm of the gradient. */
  clip: z.number().positive().default(1),
  labelSmoothing: z.number().min(0).lt(1).default(0),
  /** Validations without a better loss after which training stops; never where absent. */
  patience: z.int().min(1).optional(),
  /** Steps between validations, each of which writes a checkpoint. */
  validateEvery: z.int().min(1).default(250),
  budget: budgetSchema,
});

export type RunSettings = z.output<typeof settingsSchema>;

/** What is at a path inside a value. */
const at = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Record<PropertyKey, unknown> | undefined)?.[key], value);

/** What is demanded of a value that does not fit. */
function demandOf(issue: z.core.$ZodIssue): string {
  if (issue.code === "too_small")
    return `must be ${issue.inclusive ? "at least" : "more than"} ${issue.minimum}`;
  if (issue.code === "too_big")
    return `must be ${issue.inclusive ? "at most" : "less than"} ${issue.maximum}`;
  if (issue.code === "invalid_value") return `must be one of ${issue.values.map(String).join(", ")}`;
  if (issue.code === "invalid_type" && issue.expected === "int") return "must be a whole number";
  if (issue.code === "invalid_type" && issue.expected === "boolean") return "must be true or false";
  if (issue.code === "invalid_union" && issue.discriminator !== undefined)
    return `must be one of ${Array.from(issue.message.matchAll(/'([^']*)'/g), ([, name]) => name).join(", ")}`;
  return issue.message
    .replace(/, received Infinity$/, " that is finite")
    .replace(/, received [^,]*$/, "")
    .replace(/^Invalid input: expected (?=[aeiou])/, "must be an ")
    .replace(/^Invalid input: expected/, "must be a");
}

/** What was given, as a part of a sentence; nothing for what is too long to be shown. */
function shownOf(given: unknown): string {
  if (given === undefined) return " is missing but";
  if (given === "") return " is empty but";
  if (Array.isArray(given)) return " is a list but";
  return typeof given === "object" && given !== null ? "" : ` is ${String(given).slice(0, 100)} but`;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The path of the first name in what was given that a schema made nothing of; undefined where there is none. */
export function unknownName(given: unknown, kept: unknown): string | undefined {
  if (!isRecord(given) || !isRecord(kept)) return undefined;
  for (const [name, inner] of Object.entries(given)) {
    if (!Object.hasOwn(kept, name)) return name;
    const further = unknownName(inner, kept[name]);
    if (further !== undefined) return `${name}.${further}`;
  }
  return undefined;
}

/**
 * Checks a value against a schema.
 * @param nameOf what an option is called where it was given, from its path inside the value
 * @throws UsageError naming the option, its value and what is wrong with it
 */
export function checked<Schema extends z.ZodType>(
  what: string,
  schema: Schema,
  value: unknown,
  nameOf: (path: readonly PropertyKey[]) => string = (path) => `${what} "${path.join(".")}"`,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const given = at(value, issue!.path);
  const name = issue!.path.length > 0 ? nameOf(issue!.path) : what;
  throw new UsageError(`${name}${shownOf(given)} ${demandOf(issue!)}.`);
}
