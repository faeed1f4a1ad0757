import type { Pair } from "../../data/index.js";
import type { Decoded } from "../../decode/index.js";
import type { TranslationSizes } from "../../models/index.js";
import type { Task } from "../contract.js";
import { reportOf, validationOf } from "../translation/report.js";
import type { Measures } from "../translation/score.js";
import { translation } from "../translation/task.js";
import type { TextVocabularies } from "../vocabularies.js";

/** How often an answer, while it says what was asked for, looks at the word of the talk that told it. */
const looked: Measures = ({ pointing: { words, hits } }, { source, target }) =>
  words > 0 && source.kind === "word" && target.kind === "word" ? { pointing: hits / words } : {};

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
  validate: (scoring, talks) => validationOf(scoring, talks, looked),
  report: (scoring, talks, options) => reportOf(scoring, talks, options, looked),
  form: (...about) =>
    translation.form(...about).map((field) => ({
      ...field,
      title: "What was said",
      ...(field.kind === "text" && { placeholder: "my name is Ana. / I see. / what is my name?" }),
    })),
};
