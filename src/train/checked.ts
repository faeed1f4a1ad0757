import type { z } from "zod";
import { UsageError } from "../core/index.js";

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
