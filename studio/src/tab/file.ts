import { openTokenizer } from "../../../src/data/tokenizer.js";
import { ForeignError, type ReadBeside } from "../../../src/foreign/index.js";
import { ForeignSubject } from "../../../src/service/foreign-subject.js";
import { openOnnx } from "../../../src/session/web.js";
import type { Answered } from "../api/calls.js";
import type { FileCall, FileParts } from "../api/file.js";
import "./runtime.js";

// A worker that holds one file of somebody else's.

let subject: ForeignSubject | undefined;

/** Reads what a model keeps in other files of those that were given with it. */
const besideOf =
  (name: string, others: FileParts["others"]): ReadBeside =>
  (location, offset, length) => {
    const bytes = others[location.replace(/^\.\//, "")];
    if (!bytes)
      throw new ForeignError(
        `${name} keeps weights in "${location}", which was not given; drop both together.`,
      );
    const wanted = length ?? bytes.length - offset;
    if (!(wanted >= 0) || offset + wanted > bytes.length)
      throw new ForeignError(
        `${name} keeps ${wanted} bytes at ${offset} of "${location}", which has ${bytes.length}; get both files again.`,
      );
    return bytes.subarray(offset, offset + wanted);
  };

function opened({ name, bytes, others, tokenizer, labels, size, scale }: FileParts): ForeignSubject {
  return ForeignSubject.open(bytes, name, openOnnx, {
    beside: besideOf(name, others),
    tokenizer: tokenizer && openTokenizer(tokenizer.bytes, tokenizer.name),
    labels,
    size,
    scale,
  });
}

async function answer(call: FileCall): Promise<unknown> {
  if (call.name === "open") {
    await subject?.release();
    subject = undefined;
    subject = opened(call.parts);
    return { about: subject.about, form: subject.form };
  }
  if (!subject) throw new ForeignError("no file is open; drop one onto the page.");
  return call.name === "ask"
    ? subject.ask(call.fields, call.request)
    : subject.explain(call.fields, call.request);
}

// One after the other: a session does not run twice at once.
let turn: Promise<unknown> = Promise.resolve();
self.onmessage = ({ data }: MessageEvent<FileCall>) => {
  const send = (message: Answered) => self.postMessage(message);
  turn = turn
    .then(() => answer(data))
    .then(
      (result) => send({ kind: "result", id: data.id, result }),
      (error: Error) => send({ kind: "problem", id: data.id, problem: error.message }),
    );
};
