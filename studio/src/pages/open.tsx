import { useEffect, useMemo, useState } from "react";
import { decodeTrace } from "../../../src/attention/trace.js";
import { SCALES, type Scale } from "../../../src/foreign/scales.js";
import type { ForeignAbout } from "../../../src/service/foreign-subject.js";
import type { FieldValue } from "../../../src/task/form.js";
import { type FileExplanation, type FileParts, type OpenFile, openFile } from "../api/file.js";
import { Busy, Panel, Problem, Scrolled } from "../panels/basic.js";
import { FieldControl, firstValue } from "../panels/fields.js";
import { useChanges } from "../panels/steps.js";
import { useAction, useAsked } from "../state.js";
import { Maps } from "./explain.js";
import { Shown } from "./see.js";

/** Sides of images that a file leaves open. */
const SIDES = 224;

/** Files that were given together, each for what its name says it is. @throws Error where there is not one model among them */
async function partsOf(files: readonly File[]): Promise<FileParts> {
  const models = files.filter(({ name }) => name.endsWith(".onnx"));
  const [model, another] = models;
  if (!model) throw new Error(`no file of ${files.length} ends in .onnx; give a model in that format.`);
  if (another) throw new Error(`“${model.name}” and “${another.name}” are both models; give one of them.`);
  const named = (pattern: RegExp) => files.find(({ name }) => pattern.test(name));
  const tokenizer = named(/tokenizer.*\.json$/i) ?? named(/vocab.*\.txt$/i);
  const labels = named(/label.*\.txt$/i);
  const bytesOf = async (file: File) => new Uint8Array(await file.arrayBuffer());
  const others = files.filter((file) => ![model, tokenizer, labels].includes(file));
  return {
    name: model.name,
    bytes: await bytesOf(model),
    others: Object.fromEntries(
      await Promise.all(others.map(async (file) => [file.name, await bytesOf(file)] as const)),
    ),
    ...(tokenizer && { tokenizer: { name: tokenizer.name, bytes: await bytesOf(tokenizer) } }),
    ...(labels && { labels: (await labels.text()).replace(/\r?\n$/, "").split(/\r?\n/) }),
  };
}

export default function Open() {
  const [given, setGiven] = useState<FileParts>();
  const [file, setFile] = useState<OpenFile>();
  const action = useAction();
  // A file that is left keeps no worker.
  useEffect(() => () => file?.close(), [file]);
  const open = (parts: FileParts | Promise<FileParts>) =>
    action.run(async () => {
      const wanted = await parts;
      setFile(await openFile(wanted));
      setGiven(wanted);
    });
  const take = (files: readonly File[]) => {
    if (files.length > 0) open(partsOf(files));
  };
  return (
    <>
      <h1>Open</h1>
      <p className="lead">
        Any model in an <code>.onnx</code> file, whoever wrote it: what it reads, what it gives, and where its
        attention is. It is run in this tab; nothing leaves it.
      </p>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the button in it does the same. */}
      <div
        className="drop"
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          event.preventDefault();
          take([...event.dataTransfer.files]);
        }}
      >
        <label className="button">
          Drop a model here, or choose one
          <input
            className="hidden"
            type="file"
            multiple
            onChange={({ target }) => {
              const files = [...(target.files ?? [])];
              // So that the same file, mended, is taken again.
              target.value = "";
              take(files);
            }}
          />
        </label>
        <small>
          together with its tokenizer.json or vocab.txt where it reads text, labels.txt, and the files that it
          keeps its weights in
        </small>
      </div>
      <Problem text={action.problem} />
      <Busy when={action.busy} text="Opening …" />
      {file && given && (
        <>
          <About about={file.about} />
          {file.form.some(({ kind }) => kind === "image") && (
            <ImageReading key={`${given.size} ${given.scale}`} given={given} onChange={open} />
          )}
          <Asking key={JSON.stringify([file.about, given.size, given.scale])} file={file} />
        </>
      )}
    </>
  );
}

/** What a file reads and gives, and where its attention is. */
function About({ about }: { readonly about: ForeignAbout }) {
  const { attention } = about;
  return (
    <Panel
      title={about.file}
      note={`Written by ${about.producer}; ${about.nodes.toLocaleString("en")} nodes.`}
    >
      <Scrolled label="What it reads and gives">
        <table className="readings">
          <thead>
            <tr>
              <th scope="col">value</th>
              <th scope="col">type</th>
              <th scope="col">shape</th>
              <th scope="col">what it is</th>
            </tr>
          </thead>
          <tbody>
            {about.inputs.map(({ name, type, shape, filled }) => (
              <tr key={`reads ${name}`}>
                <th scope="row">{name}</th>
                <td>{type}</td>
                <td>{shape}</td>
                <td>{`read: ${filled}`}</td>
              </tr>
            ))}
            {about.outputs.map(({ name, type, shape }) => (
              <tr key={`gives ${name}`}>
                <th scope="row">{name}</th>
                <td>{type}</td>
                <td>{shape}</td>
                <td>given</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolled>
      {attention.length === 0 ? (
        <p className="note">No attention was found: no softmax is taken a sum of values by.</p>
      ) : (
        <details>
          <summary>{`Its attention (${attention.length})`}</summary>
          <ul>
            {attention.map(({ name, node }) => (
              <li key={name}>{`${name}: ${node}`}</li>
            ))}
          </ul>
        </details>
      )}
    </Panel>
  );
}

/** How images are brought to what a file reads. */
function ImageReading({
  given,
  onChange,
}: {
  readonly given: FileParts;
  readonly onChange: (given: FileParts) => void;
}) {
  const [size, setSize] = useState((given.size ?? [SIDES, SIDES]).join("x"));
  const [scale, setScale] = useState<Scale>(given.scale ?? SCALES[0]);
  const sides = /^(\d+)x(\d+)$/.exec(size.trim())?.slice(1).map(Number) as [number, number] | undefined;
  return (
    <form
      className="row"
      onSubmit={(event) => {
        event.preventDefault();
        if (sides) onChange({ ...given, size: sides, scale });
      }}
    >
      <label className="field">
        <span>Height x width</span>
        <input
          value={size}
          pattern="\s*\d+x\d+\s*"
          title="pixels, such as 48x320"
          onChange={({ target }) => setSize(target.value)}
        />
        <small>where the file leaves it open</small>
      </label>
      <label className="field">
        <span>Colours</span>
        <select value={scale} onChange={({ target }) => setScale(target.value as Scale)}>
          {SCALES.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      <button type="submit" className="quiet">
        Read images so
      </button>
    </form>
  );
}

/** A file that is asked. */
function Asking({ file }: { readonly file: OpenFile }) {
  const [draft, setDraft] = useState<Readonly<Record<string, FieldValue>>>({});
  const [asked, setAsked] = useState<{ readonly count: number; readonly fields: typeof draft }>();
  const [silenced, setSilenced] = useState<Readonly<Record<string, readonly number[]>>>({});
  const [words, setWords] = useState(false);
  const changes = useChanges();
  const { form, about } = file;
  const fieldValue = (name: string) => draft[name] ?? firstValue(form.find((field) => field.name === name)!);
  const request = { looks: changes.request.looks ?? {}, silenced, words };
  const seen = useAsked(asked && JSON.stringify([asked.count, request]), () =>
    file.ask(asked!.fields, request),
  );
  const isText = form.some(({ kind }) => kind === "text");
  return (
    <>
      <Panel title="Ask it">
        <form
          className="row ask"
          onSubmit={(event) => {
            event.preventDefault();
            changes.reset();
            setSilenced({});
            const values = form.flatMap(({ name }) => {
              const value = fieldValue(name);
              return value === undefined ? [] : [[name, value] as const];
            });
            setAsked((before) => ({ count: (before?.count ?? 0) + 1, fields: Object.fromEntries(values) }));
          }}
        >
          {form.map((field) => (
            <FieldControl
              key={field.name}
              field={field}
              value={fieldValue(field.name)}
              onChange={(value) => setDraft({ ...draft, [field.name]: value })}
            />
          ))}
          <button type="submit">See</button>
          {isText && (
            <label className="row">
              <input type="checkbox" checked={words} onChange={({ target }) => setWords(target.checked)} />
              <span>put pieces of words together</span>
            </label>
          )}
        </form>
        <Problem text={seen.problem} />
        <Busy when={seen.busy} text="Running …" />
      </Panel>
      {seen.result && asked && (
        <>
          <Shown answer={seen.result} effects={undefined} changes={changes} explain={null} />
          {!words && about.attention.length > 0 && (
            <Heads
              trace={seen.result.trace}
              changeable={seen.result.changeable}
              silenced={silenced}
              onChange={setSilenced}
            />
          )}
          <Explaining key={asked.count} file={file} fields={asked.fields} isText={isText} />
        </>
      )}
    </>
  );
}

/** Heads that may be switched off, to see what then is given. */
function Heads({
  trace,
  changeable,
  silenced,
  onChange,
}: {
  readonly trace: Parameters<typeof decodeTrace>[0];
  readonly changeable: readonly string[];
  readonly silenced: Readonly<Record<string, readonly number[]>>;
  readonly onChange: (silenced: Readonly<Record<string, readonly number[]>>) => void;
}) {
  const looks = useMemo(
    () => decodeTrace(trace).looks.filter(({ name }) => changeable.includes(name)),
    [trace, changeable],
  );
  const any = Object.values(silenced).some((heads) => heads.length > 0);
  return (
    <Panel title="Switch heads off" note="A head that is off hands on nothing; what is given then is above.">
      {looks.map(({ name, shape: [, heads] }) => (
        <fieldset key={name} className="row words" aria-label={`Heads of ${name}`}>
          <span className="note">{name}</span>
          {Array.from({ length: heads }, (_, head) => {
            const off = silenced[name]?.includes(head) ?? false;
            return (
              <button
                key={head}
                type="button"
                className={off ? "" : "quiet"}
                aria-pressed={off}
                aria-label={`${name}, head ${head + 1}: off`}
                onClick={() =>
                  onChange({
                    ...silenced,
                    [name]: off
                      ? silenced[name]!.filter((one) => one !== head)
                      : [...(silenced[name] ?? []), head],
                  })
                }
              >
                {head + 1}
              </button>
            );
          })}
        </fieldset>
      ))}
      {any && (
        <p className="warning">
          What is above is given without these heads.{" "}
          <button type="button" className="quiet" onClick={() => onChange({})}>
            All on again
          </button>
        </p>
      )}
    </Panel>
  );
}

/** What an output, or one number of it, depends on. */
function Explaining({
  file,
  fields,
  isText,
}: {
  readonly file: OpenFile;
  readonly fields: Readonly<Record<string, FieldValue>>;
  readonly isText: boolean;
}) {
  const outputs = file.about.outputs.filter(({ type }) => type.startsWith("float"));
  const [output, setOutput] = useState(outputs[0]?.name ?? "");
  const [number, setNumber] = useState("");
  const [found, setFound] = useState<FileExplanation>();
  const action = useAction();
  if (outputs.length === 0) return null;
  return (
    <>
      <Panel
        title="What does it depend on?"
        note="Each place is taken away, each head switched off, and the gradient taken: what an output, or one number of it, loses then."
      >
        <form
          className="row"
          onSubmit={(event) => {
            event.preventDefault();
            const wanted = number === "" ? output : `${output}:${number}`;
            action.run(async () => setFound(await file.explain(fields, { output: wanted })));
          }}
        >
          <label className="field">
            <span>Output</span>
            <select value={output} onChange={({ target }) => setOutput(target.value)}>
              {outputs.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
          <label className="field">
            <span>Number of it, from 0</span>
            <input
              type="number"
              min={0}
              step={1}
              value={number}
              placeholder="all"
              onChange={({ target }) => setNumber(target.value)}
            />
            <small>a gradient is of one number</small>
          </label>
          <button type="submit" disabled={action.busy}>
            Explain
          </button>
        </form>
        <Problem text={action.problem} />
        <Busy when={action.busy} text="Taking each place away …" />
        {found?.noGradient !== undefined && <p className="note">{`No salience: ${found.noGradient}`}</p>}
      </Panel>
      {found && <Maps explanation={found} cause={isText ? "token" : "place"} />}
    </>
  );
}
