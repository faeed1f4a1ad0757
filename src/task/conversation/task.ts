import { detokenise, type Pair } from "../../data/index.js";
import type { Decoded } from "../../decode/index.js";
import type { TranslationSizes } from "../../models/index.js";
import type { Report, ReportOptions, Scoring, Task, Validation } from "../contract.js";
import { scoreForced } from "../forced.js";
import { translation } from "../translation/task.js";
import type { TextVocabularies } from "../vocabularies.js";

/** How often an answer, while it says what was asked for, looks at the word of the talk that told it. */
interface Looked {
  hits: number;
  answers: number;
}

/** Scores answers against their own talks. */
async function scored(scoring: Scoring<Pair, TextVocabularies>, talks: readonly Pair[]) {
  const looked: Looked = { hits: 0, answers: 0 };
  const { source, target } = scoring.prepared;
  const known = source.kind === "word" && target.kind === "word";
  const { loss, attention } = await scoreForced(scoring, talks, ({ source, links }, weights) => {
    for (const link of known ? (links ?? []) : []) {
      const row = Array.from(weights[link.target]!);
      looked.answers++;
      if (row.indexOf(Math.max(...row)) === link.source) looked.hits++;
    }
    return { rows: weights, places: source.length };
  });
  return {
    loss,
    attention,
    ...(attention && looked.answers > 0 && { pointing: looked.hits / looked.answers }),
  };
}

/** An answer to what was said. */
export const conversation: Task<Pair, TextVocabularies, TranslationSizes, Decoded> = {
  ...translation,
  id: "conversation",
  examples: "answers",
  words: { example: "talk", place: "word of the talk", decision: "word", cause: "word" },
  takes: "talks",
  defaults: { ...translation.defaults, data: "talk", labelSmoothing: 0 },
  scores: [
    { id: "exact", title: "right answers", unit: "share", better: "higher" },
    { id: "pointing", title: "looks at what was told", unit: "share", better: "higher" },
  ],
  async validate(scoring, talks): Promise<Validation> {
    const { aer: _, ...found } = await translation.validate(scoring, talks);
    const { pointing } = await scored(scoring, talks);
    return { ...found, ...(pointing !== undefined && { pointing }) };
  },
  async report(scoring, talks, options: ReportOptions): Promise<Report> {
    const { metrics, ...rest } = await translation.report(scoring, talks, options);
    const { aer: _, alignmentPrecision: __, alignmentRecall: ___, ...own } = metrics;
    const { pointing } = await scored(scoring, talks);
    return { ...rest, metrics: { ...own, ...(pointing !== undefined && { pointing }) } };
  },
  form: (...about) =>
    translation.form(...about).map((field) => ({
      ...field,
      title: "What was said",
      ...(field.kind === "text" && { placeholder: "my name is Ana. / I see. / what is my name?" }),
    })),
  card: async ({ source, target, reference }) => ({
    title: detokenise(source),
    expected: [reference ?? detokenise(target)],
  }),
};
