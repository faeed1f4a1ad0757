import type { Scale } from "../../../src/foreign/scales.js";
import type { ForeignAbout, ForeignRequest, ForeignSubject } from "../../../src/service/foreign-subject.js";
import type { Answer } from "../../../src/service/protocol.js";
import type { Field, FieldValue } from "../../../src/task/form.js";
import { Calls } from "./calls.js";

/** Files that were given together: a model, what it keeps beside it, and what it is read with. */
export interface FileParts {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly others: Readonly<Record<string, Uint8Array>>;
  readonly tokenizer?: { readonly name: string; readonly bytes: Uint8Array } | undefined;
  readonly labels?: readonly string[] | undefined;
  readonly size?: readonly [height: number, width: number] | undefined;
  readonly scale?: Scale | undefined;
}

type Fields = Readonly<Record<string, FieldValue>>;

export type FileCall = { readonly id: number } & (
  | { readonly name: "open"; readonly parts: FileParts }
  | { readonly name: "ask" | "explain"; readonly fields: Fields; readonly request: ForeignRequest }
);

export type FileExplanation = Awaited<ReturnType<ForeignSubject["explain"]>>;

/** A file of somebody else's, open in a worker of this tab. */
export interface OpenFile {
  readonly about: ForeignAbout;
  readonly form: readonly Field[];
  ask(fields: Fields, request: ForeignRequest): Promise<Answer>;
  explain(fields: Fields, request: ForeignRequest): Promise<FileExplanation>;
  close(): void;
}

/** Opens a file in a worker of its own. @throws Error with what is wrong, in one sentence */
export async function openFile(parts: FileParts): Promise<OpenFile> {
  const calls = new Calls<FileCall>(
    () => new Worker(new URL("../tab/file.ts", import.meta.url), { type: "module", name: "regard-file" }),
  );
  try {
    const { about, form } = await calls.ask<Pick<OpenFile, "about" | "form">>((id) => ({
      id,
      name: "open",
      parts,
    }));
    return {
      about,
      form,
      ask: (fields, request) => calls.ask((id) => ({ id, name: "ask", fields, request })),
      explain: (fields, request) => calls.ask((id) => ({ id, name: "explain", fields, request })),
      close: () => calls.end(),
    };
  } catch (error) {
    calls.end();
    throw error;
  }
}
