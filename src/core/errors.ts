/** Base of every error Regard raises on purpose: one sentence that says what, where and what to do. */
export class RegardError extends Error {
  override name = "RegardError";
}

/** The caller asked for something that cannot be: a wrong option, size or name. The command line exits with 2. */
export class UsageError extends RegardError {
  override name = "UsageError";
}

/** Shapes or element types of an operation's operands that do not fit each other. */
export class ShapeError extends RegardError {
  override name = "ShapeError";
}
