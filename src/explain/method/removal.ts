import { END, PAD, START } from "../../core/index.js";
import { tokenBatch } from "../../data/index.js";
import { tokensValue } from "../../decode/index.js";
import type { Model } from "../../models/index.js";
import { Mode } from "../../nn/index.js";
import { input } from "../../ops/index.js";
import { type Backend, neededBy, type Session, type Values } from "../../session/index.js";

/**
 * The causal effect of source tokens: how much less likely each target token becomes without them. A token is removed
 * by masking it, which takes away its annotation and leaves the recurrent state as it was before it.
 */
export class Removal {
  private constructor(private readonly session: Session) {}

  static async load(model: Model, backend: Backend): Promise<Removal> {
    const { losses } = model.objective(
      {
        source: input("source", "int32", ["source", "batch"]),
        target: input("target", "int32", ["target", "batch"]),
      },
      Mode.plain(),
    );
    return new Removal(await backend.load({ losses }));
  }

  /**
   * @param source token numbers without END
   * @param target token numbers that are written, END included where it was
   * @returns [target, source] in nats: log p(target token) − log p(target token without that source token)
   */
  async effects(
    parameters: Values,
    source: readonly number[],
    target: readonly number[],
  ): Promise<number[][]> {
    if (target.length === 0) return [];
    const whole = [...source, END];
    const without = source.map((_, removed) =>
      whole.map((token, place) => (place === removed ? PAD : token)),
    );
    const sources = [whole, ...without];
    const written = sources.map(() => [START, ...target]);
    const { losses: found } = await this.session.run(
      neededBy(this.session, {
        ...parameters,
        source: tokensValue(tokenBatch(sources)),
        target: tokensValue(tokenBatch(written)),
      }),
    );
    const loss = (row: number, column: number) => found!.data[row * sources.length + column]!;
    return target.map((_, row) => source.map((__, place) => loss(row, place + 1) - loss(row, 0)));
  }

  release(): Promise<void> {
    return this.session.release();
  }
}
