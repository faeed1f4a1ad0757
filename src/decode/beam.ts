import { END, START } from "../core/index.js";
import type { Values } from "../session/index.js";
import { type Decoded, type DecodeOptions, type Decoder, takeRows, weightsOf } from "./decoder.js";

interface Hypothesis {
  readonly tokens: readonly number[];
  readonly weights: readonly (readonly number[])[];
  readonly logProbability: number;
  /** Where its state lies in what the last step returned. */
  readonly row: number;
}

/** The mean log-probability of a token, END included, so that length is neither punished nor rewarded. */
export const beamScore = ({ logProbability, tokens, finished }: Decoded): number =>
  logProbability / Math.max(1, tokens.length + (finished ? 1 : 0));

/**
 * Beam search for a whole batch at once (Graves 2012; as in Sutskever et al. 2014, section 3.2). A source is done when none of its
 * hypotheses is left, or `width` have ended of which none is worse than the best that is left is so far: a sure sentence is not given up
 * for early ends that happened to be among the candidates.
 * @returns for each source its hypotheses, best `beamScore` first
 */
export async function decodeByBeam(
  decoder: Decoder,
  parameters: Values,
  inputs: Values,
  { longest, width }: DecodeOptions & { width: number },
): Promise<Decoded[][]> {
  const encoded = await decoder.encode(parameters, inputs);
  let { memory, state } = encoded;
  let beams: Hypothesis[][] = Array.from({ length: encoded.rows }, (_, row) => [
    { tokens: [], weights: [], logProbability: 0, row },
  ]);
  const ended: Decoded[][] = beams.map(() => []);
  const end = (index: number, { tokens, weights, logProbability }: Hypothesis, finished: boolean): void => {
    ended[index]!.push({ tokens, logProbability, finished, ...(weights.length > 0 && { weights }) });
  };
  for (let length = 0; beams.some((beam) => beam.length > 0); length++) {
    const previous = Int32Array.from(beams.flat(), ({ tokens }) => tokens.at(-1) ?? START);
    const step = await decoder.step(parameters, memory, state, previous);
    let row = 0;
    beams = beams.map((beam, index) => {
      const extensions = beam.map((hypothesis) =>
        extend(hypothesis, step, row++, Math.min(width + 1, step.width)),
      );
      if (length === longest) {
        // No room for another word: a hypothesis is whole only where END is what it would say next.
        extensions.forEach(([best], position) => {
          if (best!.token === END) end(index, best!.hypothesis, true);
          else end(index, beam[position]!, false);
        });
        return [];
      }
      const candidates = extensions
        .flat()
        .sort((a, b) => b.hypothesis.logProbability - a.hypothesis.logProbability)
        .slice(0, 2 * width);
      const next: Hypothesis[] = [];
      for (const { token, hypothesis } of candidates)
        if (token === END) end(index, hypothesis, true);
        else if (next.length < width) next.push({ ...hypothesis, tokens: [...hypothesis.tokens, token] });
      const best = ended[index]!.map(beamScore).sort((a, b) => b - a);
      const left = Math.max(...next.map((one) => one.logProbability / one.tokens.length));
      return best.length >= width && best[width - 1]! >= left ? [] : next;
    });
    const kept = beams.flat().map((hypothesis) => hypothesis.row);
    state = takeRows(step.state, kept);
    memory = takeRows(memory, kept);
  }
  return ended.map((sequences) => sequences.sort((a, b) => beamScore(b) - beamScore(a)).slice(0, width));
}

/** The likeliest next tokens of a hypothesis, best first; each with the hypothesis as it is before that token. */
function extend(
  { tokens, weights, logProbability }: Hypothesis,
  step: Awaited<ReturnType<Decoder["step"]>>,
  row: number,
  count: number,
): { token: number; hypothesis: Hypothesis }[] {
  const attended = weightsOf(step.weights, row);
  return Array.from({ length: count }, (_, rank) => ({
    token: step.tokens[row * step.width + rank]!,
    hypothesis: {
      tokens,
      weights: attended ? [...weights, attended] : weights,
      logProbability: logProbability + step.logProbabilities[row * step.width + rank]!,
      row,
    },
  }));
}
