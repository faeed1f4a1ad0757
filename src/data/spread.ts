/** At most `most` of some items, at equal distances, the first and the last among them. */
export function spreadOver<Item>(items: readonly Item[], most: number): readonly Item[] {
  if (items.length <= most) return items;
  if (most === 1) return [items[Math.floor(items.length / 2)]!];
  return Array.from(
    { length: most },
    (_, index) => items[Math.round((index * (items.length - 1)) / (most - 1))]!,
  );
}
