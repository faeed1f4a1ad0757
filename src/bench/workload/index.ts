import { UsageError } from "../../core/index.js";
import type { Work, WorkloadKind } from "../contract.js";
import { captionerHard, captionerSoft } from "./captioner.js";
import { convolutionStep } from "./convolution.js";
import { decoding } from "./decode.js";
import { languageModelStep } from "./language-model.js";
import { rnnsearchStep } from "./rnnsearch.js";
import { transformerStep } from "./transformer.js";

/** Every kind of work that is compared. */
export const workloads: readonly WorkloadKind[] = [
  rnnsearchStep,
  captionerSoft,
  captionerHard,
  languageModelStep,
  transformerStep,
  convolutionStep,
  decoding,
];

/** The work that is measured where nothing else is asked for, as texts. */
export const usualWork: readonly string[] = workloads.flatMap(({ id, usual }) =>
  usual.map((sizes) => `${id}:${sizes.join(",")}`),
);

/** A kind of work and its sizes, from a text such as "rnnsearch:32,20,128,1000". @throws UsageError where it is none */
export function readWork(text: string): { kind: WorkloadKind; sizes: number[] } {
  const [id, numbers] = text.split(":") as [string, string | undefined];
  const kind = workloads.find((each) => each.id === id);
  if (!kind)
    throw new UsageError(
      `there is no workload "${id}"; choose one of ${workloads.map((each) => each.id).join(", ")}.`,
    );
  const usual = Object.values(kind.sizes);
  const sizes = numbers === undefined ? usual : numbers.split(",").map(Number);
  const names = Object.keys(kind.sizes);
  if (sizes.length !== names.length || !sizes.every((size) => Number.isSafeInteger(size) && size >= 1))
    throw new UsageError(
      `the workload "${text}" should be ${id}:${names.join(",")} with whole numbers from 1, such as ${id}:${usual.join(",")}.`,
    );
  return { kind, sizes };
}

/** Makes the work that a text names. @throws UsageError where there is none */
export function makeWork(text: string): Work {
  const { kind, sizes } = readWork(text);
  return kind.make(sizes);
}
