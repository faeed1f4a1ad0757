/** The user stopped the command; what there was to save is saved. */
export class Interrupted extends Error {
  override name = "Interrupted";
}

/** A signal that Ctrl-C raises. A second Ctrl-C ends the process at once. */
export function interruptSignal(onFirst: () => void): { signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  const handler = () => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
    onFirst();
  };
  process.on("SIGINT", handler);
  process.on("SIGTERM", handler);
  return {
    signal: controller.signal,
    stop() {
      process.off("SIGINT", handler);
      process.off("SIGTERM", handler);
    },
  };
}
