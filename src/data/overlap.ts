/** How many examples are the same as one of others. @param identityOf a text that is the same for examples that are */
export function overlapOf<Example>(
  examples: readonly Example[],
  others: readonly Example[],
  identityOf: (example: Example) => string,
): number {
  const known = new Set(others.map(identityOf));
  return examples.filter((example) => known.has(identityOf(example))).length;
}
