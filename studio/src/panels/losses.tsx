import { useMemo } from "react";
import { LearningCurves } from "../../../src/views/learning-curves.js";
import { useTheme, type Watched } from "../state.js";
import { Panel, Scrolled } from "./basic.js";

/** Losses of training and of validation over steps, and why they differ. */
export function Losses({
  metrics,
  validations,
  at,
}: Pick<Watched, "metrics" | "validations"> & {
  /** A step that is marked. */
  readonly at?: number;
}) {
  const theme = useTheme();
  const curves = useMemo(
    () => [
      { name: "training", points: metrics.map(({ step, loss }) => ({ step, value: loss })) },
      {
        name: "validation",
        marked: true,
        points: validations.map(({ step, validation }) => ({ step, value: validation.loss })),
      },
    ],
    [metrics, validations],
  );
  return (
    <Panel
      title="Loss"
      note="Of training: each batch as it comes, with dropout and smoothed labels where the run uses them. Of validation: always the same held-out examples, with neither. So the two differ, and either may be lower."
    >
      <Scrolled label="Loss over steps">
        <LearningCurves measure="nats" curves={curves} theme={theme} {...(at !== undefined && { at })} />
      </Scrolled>
    </Panel>
  );
}
