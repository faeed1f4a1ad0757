/** How a worker answers a call: with its result, or with what is wrong in a sentence. */
export type Answered =
  | { readonly kind: "result"; readonly id: number; readonly result: unknown }
  | { readonly kind: "problem"; readonly id: number; readonly problem: string };

/** Calls of a worker, which is made when it is first sent something. */
export class Calls<Sent extends { readonly id: number }, Told extends { readonly kind: string } = never> {
  #worker: Worker | undefined;
  #count = 0;
  readonly #waiting = new Map<number, { resolve(result: never): void; reject(error: Error): void }>();

  /**
   * @param hear hears what is no answer
   * @param first what a worker is sent before anything else
   */
  constructor(
    private readonly make: () => Worker,
    private readonly hear: (told: Told) => void = () => {},
    private readonly first: readonly Sent[] = [],
  ) {}

  /** A number that no call before had. */
  next(): number {
    return ++this.#count;
  }

  send(message: Sent, transfer: Transferable[] = []): void {
    this.#worker ??= this.#made();
    this.#worker.postMessage(message, transfer);
  }

  /** Sends a message with a number of its own. @throws Error where the answer is a problem, or the worker fails */
  ask<Result>(message: (id: number) => Sent, transfer: Transferable[] = []): Promise<Result> {
    return new Promise((resolve, reject) => {
      const id = this.next();
      this.#waiting.set(id, { resolve: resolve as (result: never) => void, reject });
      this.send(message(id), transfer);
    });
  }

  /** Ends the worker, and with it what it holds. */
  end(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#fail("it was closed");
  }

  #made(): Worker {
    const worker = this.make();
    worker.onmessage = ({ data }: MessageEvent<Answered | Told>) => {
      if (data.kind !== "result" && data.kind !== "problem") return this.hear(data as Told);
      const answer = data as Answered;
      const asked = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if (answer.kind === "problem") asked?.reject(new Error(answer.problem));
      else asked?.resolve(answer.result as never);
    };
    worker.onerror = ({ message }) => this.#fail(message);
    for (const message of this.first) worker.postMessage(message);
    return worker;
  }

  #fail(why: string): void {
    for (const { reject } of this.#waiting.values()) reject(new Error(`the tab's worker failed: ${why}`));
    this.#waiting.clear();
  }
}
