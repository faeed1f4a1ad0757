/** What a name stands for, by name. */
type Named<Kind> = Readonly<Record<string, Kind>>;

/** The same under names that begin with a prefix, so that several can be outputs of one program. */
export const prefixed = <Kind>(prefix: string, named: Named<Kind>): Record<string, Kind> =>
  Object.fromEntries(Object.entries(named).map(([name, one]) => [prefix + name, one]));

/** Those whose names begin with a prefix, under what follows it. */
export const unprefixed = <Kind>(prefix: string, named: Named<Kind>): Record<string, Kind> =>
  Object.fromEntries(
    Object.entries(named).flatMap(([name, one]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), one]] : [],
    ),
  );
