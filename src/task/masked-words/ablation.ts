import type { Values } from "../../session/index.js";
import type { Evaluator, Predicted } from "../evaluator.js";

/** Runs of one example that may be spent on all heads together, and examples that are asked of each at most. */
const [MOST_RUNS, MOST_ASKED] = [4096, 256] as const;

/**
 * What breaks when a head is off (Michel, Levy & Neubig 2019, "Are sixteen heads really better than one?", section 3.2): its weights are 0, so
 * it gives nothing, while the others of its layer look where they did. Layers above see the difference.
 * @param asked examples with what is right of them; the first are tried, fewer where there are many heads
 * @returns the share of examples that are right with all heads, less that without one, by "layer, head"; below 0 where more are right without
 */
export async function lostWithoutHeads<Example, Asked extends { readonly passage: Example }>(
  {
    evaluator,
    parameters,
  }: { readonly evaluator: Pick<Evaluator<Example, never>, "predict">; readonly parameters: Values },
  asked: readonly Asked[],
  right: (found: Predicted<Example>, asked: Asked) => boolean,
): Promise<Record<string, number>> {
  const heads = await headsOf(evaluator, parameters, asked);
  const some = asked.slice(0, Math.max(1, Math.min(MOST_ASKED, Math.floor(MOST_RUNS / heads.length))));
  const examples = some.map(({ passage }) => passage);
  const rightOf = (found: readonly Predicted<Example>[]) =>
    found.filter((one, index) => right(one, some[index]!)).length / some.length;
  const whole = await evaluator.predict(parameters, examples);
  const lost: Record<string, number> = {};
  for (const { look, head, name } of heads) {
    // The same examples are padded the same again, so what was found has the shape of what is forced.
    const of = (index: number): Float32Array => {
      const { shape, data } = whole[index]!.looks[look]!;
      const size = data.length / shape[0]!;
      return Float32Array.from(data).fill(0, head * size, (head + 1) * size);
    };
    lost[name] =
      rightOf(whole) - rightOf(await evaluator.predict(parameters, examples, { forced: { look, of } }));
  }
  return lost;
}

/** Heads of all layers, from where one example is looked at. */
async function headsOf<Example>(
  evaluator: Pick<Evaluator<Example, never>, "predict">,
  parameters: Values,
  [first]: readonly { readonly passage: Example }[],
) {
  if (!first) return [];
  const [found] = await evaluator.predict(parameters, [first.passage]);
  return Object.entries(found!.looks).flatMap(([look, { shape }]) =>
    Array.from({ length: shape[0]! }, (_, head) => ({ look, head, name: `${look}, head ${head + 1}` })),
  );
}
