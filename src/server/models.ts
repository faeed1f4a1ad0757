import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { RegardError, UsageError } from "../core/index.js";
import type { Answer, Question } from "./worker.js";

/** Models that are held at once; the one that was asked least recently gives way. */
const MOST_MODELS = 4;
/** Questions one model may have waiting. */
const MOST_WAITING = 20;

/** What stands in place of a run's path for the process that reads data. */
const DATA = "data";

type Unnumbered<Of> = Of extends { id: number } ? Omit<Of, "id"> : never;

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

interface Holder {
  readonly child: ChildProcess;
  readonly waiting: Map<number, Waiting>;
}

/** Trained models, each in a process of its own, so that one that fails harms nothing else. */
export class Models {
  readonly #holders = new Map<string, Holder>();
  #questions = 0;

  /**
   * Asks the model of a run, or the process that reads data.
   * @throws RegardError with what is wrong, also where its process dies
   */
  ask(question: Unnumbered<Question>): Promise<unknown> {
    const key = "path" in question ? question.path : DATA;
    const holder = this.#holders.get(key) ?? this.#hold(key);
    // The most recently asked goes last, so that the first is the one to let go.
    this.#holders.delete(key);
    this.#holders.set(key, holder);
    if (holder.waiting.size >= MOST_WAITING)
      throw new UsageError(`the model has ${holder.waiting.size} questions waiting; wait for some of them.`);
    const id = ++this.#questions;
    return new Promise((resolve, reject) => {
      holder.waiting.set(id, { resolve, reject });
      holder.child.send({ id, ...question } satisfies Question, (error) => {
        if (!error) return;
        holder.waiting.delete(id);
        reject(new RegardError("the process that holds the model is gone; ask again."));
      });
    });
  }

  /** Lets the model of a run go, as when the run is renamed or removed. */
  release(path: string): void {
    this.#holders.get(path)?.child.kill();
    this.#holders.delete(path);
  }

  close(): void {
    for (const path of [...this.#holders.keys()]) this.release(path);
  }

  #hold(path: string): Holder {
    // One that has questions waiting is not let go.
    const idle = [...this.#holders].filter(([, { waiting }]) => waiting.size === 0);
    const tooMany = this.#holders.size + 1 - MOST_MODELS;
    if (idle.length < tooMany)
      throw new UsageError(
        `${this.#holders.size} models are at work, as many as this studio holds at once; wait for one of them.`,
      );
    for (const [old] of idle.slice(0, Math.max(0, tooMany))) this.release(old);
    const child = fork(fileURLToPath(new URL("worker.js", import.meta.url)), {
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      // Files are bytes.
      serialization: "advanced",
    });
    const holder: Holder = { child, waiting: new Map() };
    child.on("message", (answer: Answer) => {
      const waiting = holder.waiting.get(answer.id);
      holder.waiting.delete(answer.id);
      if ("problem" in answer)
        waiting?.reject(answer.expected ? new UsageError(answer.problem) : new Error(answer.problem));
      else waiting?.resolve(answer.result);
    });
    const over = (what: string) => {
      if (this.#holders.get(path) === holder) this.#holders.delete(path);
      for (const { reject } of holder.waiting.values()) reject(new RegardError(what));
      holder.waiting.clear();
    };
    child.on("exit", () => over("the process that held the model ended; ask again, and it is started anew."));
    // As where the machine has no room for another process; nobody listening, it would end the studio.
    child.on("error", ({ message }) => over(`the process that holds the model has failed: ${message}.`));
    this.#holders.set(path, holder);
    return holder;
  }
}
