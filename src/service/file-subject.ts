import { encodeTrace, type TraceLook } from "../attention/index.js";
import { UsageError } from "../core/index.js";
import { type Decoded, decodedOf, decodeModelFile, LOOK_OUTPUT, type ModelFile } from "../decode/index.js";
import { input } from "../ops/index.js";
import { neededBy, type OpenedModel, type Values } from "../session/index.js";
import {
  type AnyTask,
  exampleOf,
  type Field,
  type FieldValue,
  type ImageOptions,
  tasks,
  tracedLook,
  withSlots,
} from "../task/index.js";
import { ATTENTION_LOOK } from "./look-names.js";
import type { Answer } from "./protocol.js";
import { hypothesisAnswers, stepAnswers } from "./shared.js";

/** A file that `regard export` wrote, and what one can ask of it: what it gives, and where it looks. */
export class FileSubject {
  readonly task: AnyTask;
  readonly #about: ModelFile;
  readonly #prepared: unknown;
  readonly #images: ImageOptions | undefined;
  readonly #session: OpenedModel;

  private constructor(task: AnyTask, about: ModelFile, session: OpenedModel) {
    this.task = task;
    this.#about = about;
    this.#prepared = task.restored(about.prepared);
    this.#images = about.images as ImageOptions | undefined;
    this.#session = session;
  }

  /**
   * @param path what the file is called, for messages
   * @throws UsageError where it is none of Regard's, or reads what cannot be given
   */
  static async open(
    bytes: Uint8Array,
    path: string,
    open: (bytes: Uint8Array) => Promise<OpenedModel>,
  ): Promise<FileSubject> {
    const about = decodeModelFile(bytes, path);
    const task = tasks.find(({ id }) => id === about.task);
    if (!task)
      throw new UsageError(
        `${path} is a model for ${about.task}, which this version does not know; it knows ${tasks.map(({ id }) => id).join(", ")}.`,
      );
    const images = about.images as ImageOptions | undefined;
    if (images?.encoder)
      throw new UsageError(
        `${path} reads what an encoder made of images, ${images.encoder.shape.join(" × ")}; give the run it was exported from.`,
      );
    return new FileSubject(task, about, await open(bytes));
  }

  get model(): string {
    return this.#about.model;
  }

  get form(): readonly Field[] {
    return this.task.form(this.#prepared, this.#images);
  }

  /** What the model gives for what was given, and where it looked. @throws UsageError for what it cannot read */
  async ask(
    fields: Readonly<Record<string, FieldValue>>,
    { keepUnknown }: { keepUnknown?: boolean } = {},
  ): Promise<Answer> {
    const started = performance.now();
    const { task } = this;
    const example = task.example(fields, this.#prepared, this.#images);
    const { values } = await task.collate([example], this.#prepared, { kind: "ask" });
    const noise = Object.entries(this.#about.noise).map(([name, { distribution, shape }]) =>
      input(name, "float32", shape, { kind: "noise", distribution }),
    );
    const inputs = Object.entries(task.inputs(task.sizes(this.#prepared, this.#images)));
    const read = neededBy({ inputs: [...inputs.map(([, tensor]) => tensor), ...noise] }, values);
    const results = await this.#session.run(read);
    const { drive } = task;
    const axis = drive.kind === "once" ? 0 : 1;
    const outputs: Values = Object.fromEntries(
      Object.entries(results).flatMap(([name, value]) =>
        name in this.#about.looks ? [] : [[name, exampleOf(value, 0, axis)]],
      ),
    );
    const output =
      drive.kind === "tokens" ? decodedOf(results) : task.read!(outputs, example, this.#prepared);
    const model = { grids: this.#about.grids };
    const shown = await task.show(example, output, this.#prepared, { model, keepUnknown });
    const looks = Object.entries(this.#about.looks).map(
      ([name, look]): TraceLook =>
        tracedLook(
          drive.kind === "tokens" ? ATTENTION_LOOK : name.slice(LOOK_OUTPUT.length),
          look,
          exampleOf(results[name]!, 0, look.axes.indexOf("batch")),
          drive.kind === "once" ? undefined : shown.steps.length,
        ),
    );
    return {
      output: shown.output,
      ...(drive.kind === "tokens" && { decoding: { beam: 1 } }),
      steps: stepAnswers(shown, [], undefined),
      blocks: shown.blocks,
      trace: encodeTrace({
        places: withSlots(await task.places(example, this.#prepared, model), looks),
        steps: shown.steps.map(({ piece: _, looked: __, ...step }) => step),
        looks,
      }),
      changeable: [],
      hypotheses: drive.kind === "tokens" ? hypothesisAnswers([output as Decoded], [shown.output]) : [],
      ...(shown.right !== undefined && { right: shown.right }),
      references: shown.references,
      unknown: [...new Set(shown.unknown)],
      milliseconds: performance.now() - started,
    };
  }

  release(): Promise<void> {
    return this.#session.release();
  }
}
