import { z } from "zod";

/** How the learning rate changes over a run. */
export const scheduleSchema = z.object({
  name: z.enum(["constant", "linear", "cosine", "inverse-sqrt"]).default("cosine"),
  /** Steps over which the rate first rises from 0. */
  warmup: z.int().min(0).default(100),
});

/** How the learning rate changes. */
export type ScheduleOptions = z.output<typeof scheduleSchema>;

/**
 * The share of the learning rate to use.
 * @param step counted from 0
 * @param progress how much of the run is over, 0 to 1; by steps, or by time where the run's length is given in minutes
 */
export function scheduleFactor({ name, warmup }: ScheduleOptions, step: number, progress: number): number {
  const rise = Math.min(1, (step + 1) / Math.max(1, warmup));
  const left = 1 - Math.min(1, progress);
  switch (name) {
    case "constant":
      return rise;
    case "linear":
      return rise * left;
    case "cosine":
      return rise * 0.5 * (1 - Math.cos(Math.PI * left));
    case "inverse-sqrt":
      return rise * Math.sqrt(Math.max(1, warmup) / Math.max(step + 1, Math.max(1, warmup)));
  }
}
