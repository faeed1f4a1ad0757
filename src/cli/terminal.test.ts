import { expect, test, vi } from "vitest";
import { duration, ProgressBar } from "./terminal.js";

test("where no terminal is, a line every five seconds says how far training is and what is left", () => {
  let written = "";
  let now = 0;
  const { isTTY } = process.stderr;
  process.stderr.isTTY = false;
  const clock = vi.spyOn(performance, "now").mockImplementation(() => now);
  const write = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    written += text;
    return true;
  });
  try {
    const bar = new ProgressBar();
    // A step a second.
    for (let step = 1; step <= 12; step++) {
      now = 1000 * step;
      bar.update({
        step,
        loss: 2 / step,
        learningRate: 0.001,
        tokens: 7,
        skipped: false,
        report: {},
        seconds: step,
        progress: step / 100,
        tokensPerSecond: 7,
        secondsLeft: 100 - step,
      });
    }
    bar.clear();
  } finally {
    process.stderr.isTTY = isTTY;
    clock.mockRestore();
    write.mockRestore();
  }
  expect(written).toBe("step 5  loss 0.400  1:35 left\nstep 10  loss 0.200  1:30 left\n");
});

test("seconds as people read them", () => {
  expect([0, 59.6, 75, 3700, -3].map(duration)).toEqual(["0:00", "1:00", "1:15", "1:01:40", "0:00"]);
});
