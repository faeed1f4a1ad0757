/** The user stopped the command; what there was to save is saved. */
export class Interrupted extends Error {
  override name = "Interrupted";
}

/** Ctrl-C, being asked to end, and a terminal that closes. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * A signal that Ctrl-C raises. Where one may insist, a second Ctrl-C ends the process at once; other signals often come twice, as
 * from a terminal that closes and from its shell, and never do.
 */
export function interruptSignal(
  onFirst: () => void,
  { insist } = { insist: true },
): { signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  const handler = (signal: NodeJS.Signals) => {
    if (controller.signal.aborted) {
      if (insist && signal === "SIGINT") process.exit(130);
      return;
    }
    controller.abort();
    onFirst();
  };
  for (const name of SIGNALS) process.on(name, handler);
  return {
    signal: controller.signal,
    stop() {
      for (const name of SIGNALS) process.off(name, handler);
    },
  };
}
