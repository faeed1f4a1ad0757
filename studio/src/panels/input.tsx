import { useId, useRef, useState } from "react";
import type { Asked, Example, RunDetail } from "../../../src/service/protocol.js";
import type { Field, FieldValue } from "../../../src/task/form.js";
import { useApi, useAsked } from "../state.js";
import { Problem } from "./basic.js";
import { FieldControl, firstValue, ImageControl } from "./fields.js";

/** The one field of a form that is nothing but a text. */
const onlyText = ([first, ...rest]: readonly Field[]): Extract<Field, { kind: "text" }> | undefined =>
  first?.kind === "text" && rest.length === 0 ? first : undefined;

/** The one field of a form that is nothing but an image. */
const onlyImage = ([first, ...rest]: readonly Field[]): Extract<Field, { kind: "image" }> | undefined =>
  first?.kind === "image" && rest.length === 0 ? first : undefined;

/** A text as an input; undefined where no text is asked for. */
export function textInput({ form }: Pick<RunDetail, "form">, text: string): Asked | undefined {
  const field = onlyText(form);
  return field && { fields: { [field.name]: text } };
}

const ofExample = (detail: Pick<RunDetail, "form">, split: string, { index, title }: Example): Asked =>
  textInput(detail, title) ?? { split, index };

/** An input as the part of an address; nothing where it is too long for one, such as an image that was drawn. */
export function inputQuery(
  { form }: Pick<RunDetail, "form">,
  input: Asked,
): Record<string, string> | undefined {
  if ("split" in input) {
    const changed = JSON.stringify(input.changed ?? {});
    if (changed.length > 2000) return undefined;
    return { example: `${input.split}:${input.index}`, ...(input.changed && { changed }) };
  }
  const text = onlyText(form);
  if (text) return { text: String(input.fields[text.name]) };
  const json = JSON.stringify(input.fields);
  return json.length <= 2000 ? { fields: json } : undefined;
}

/** The same from an address. What is no such thing is left to the request to refuse. */
export function inputFrom(detail: Pick<RunDetail, "form">, query: URLSearchParams): Asked | undefined {
  const [, split, index] = /^([\w-]+):(\d+)$/.exec(query.get("example") ?? query.get("image") ?? "") ?? [];
  const written = (name: string): Readonly<Record<string, FieldValue>> | undefined => {
    try {
      const fields: Readonly<Record<string, FieldValue>> | null = JSON.parse(query.get(name) ?? "null");
      return fields === null || typeof fields !== "object" ? undefined : fields;
    } catch {
      return undefined;
    }
  };
  if (split !== undefined) {
    const changed = written("changed");
    return { split, index: Number(index), ...(changed && { changed }) };
  }
  const text = query.get("text");
  const asked = text === null ? undefined : textInput(detail, text);
  if (asked) return asked;
  const fields = written("fields");
  return fields && { fields };
}

interface ExamplesOf {
  readonly split?: string | undefined;
  /** Whether they are asked for yet. */
  readonly when?: boolean;
}

/** A few examples of a split of a run's data: the first split, unless one is named. */
export function useExamples({ id, splits }: RunDetail, { split = splits[0], when = true }: ExamplesOf = {}) {
  const api = useApi();
  const { result, problem } = useAsked(when && split ? `examples ${id} ${split}` : undefined, () =>
    api.call("examples", { run: id, split: split! }),
  );
  return { split, examples: result, problem };
}

export type Examples = ReturnType<typeof useExamples>;

/** What is asked about where nothing was chosen yet. */
export const firstInput = (detail: RunDetail, { split, examples }: Examples): Asked | undefined =>
  examples?.[0] && split !== undefined ? ofExample(detail, split, examples[0]) : undefined;

/** Milliseconds after the last key until what was typed is asked about. */
const PAUSE = 250;

/** Asks for what a run's form asks for, or for an example of its data. */
export function InputForm({
  detail,
  examples: { split, examples, problem },
  input,
  action,
  live = false,
  onAsk,
}: {
  readonly detail: RunDetail;
  /** Whether a text is asked about while it is typed. */
  readonly live?: boolean;
  readonly examples: Examples;
  readonly input: Asked | undefined;
  /** What the button says. */
  readonly action: string;
  readonly onAsk: (input: Asked) => void;
}) {
  const [draft, setDraft] = useState<Readonly<Record<string, FieldValue>>>({});
  const [draws, setDraws] = useState(false);
  const list = useId();
  const typing = useRef<ReturnType<typeof setTimeout>>(undefined);
  const { form } = detail;
  const [text, image] = [onlyText(form), onlyImage(form)];
  const pictured = examples?.some(({ url }) => url !== undefined) ?? false;
  const asked = input && ("fields" in input ? input.fields : input.changed);
  const index = input && "split" in input && input.split === split ? input.index : undefined;
  /** What the example that is asked about fills fields with; the others it fills for good. */
  const filled = examples?.find((one) => one.index === index)?.fields;
  const fieldValue = (field: Field): FieldValue | undefined =>
    draft[field.name] ?? asked?.[field.name] ?? filled?.[field.name] ?? firstValue(field);
  const takeExample = (example: Example) => {
    setDraft({});
    onAsk(ofExample(detail, split!, example));
  };
  /** Whether the example stays, with other values of the fields that it lets change. */
  const stays = filled !== undefined && form.every(({ name }) => name in filled || draft[name] === undefined);
  const ready = stays || form.every((field) => fieldValue(field) !== undefined);
  const ask = () => {
    const values = form.flatMap((field) => {
      const value = fieldValue(field);
      return value === undefined || (stays && filled[field.name] === undefined)
        ? []
        : [[field.name, value] as const];
    });
    const fields = Object.fromEntries(values);
    setDraft({});
    if (!stays) return onAsk({ fields });
    const same = values.every(([name, value]) => filled[name] === value);
    onAsk({ split: split!, index: index!, ...(!same && { changed: fields }) });
  };
  return (
    <>
      {!pictured && !text && examples && examples.length > 0 && (
        <label className="field">
          <span>An example of the data</span>
          <select
            value={index ?? ""}
            onChange={({ target }) =>
              takeExample(examples.find((one) => one.index === Number(target.value))!)
            }
          >
            {index === undefined && <option value="">your own</option>}
            {examples.map((one) => (
              <option key={one.index} value={one.index}>
                {one.title}
              </option>
            ))}
          </select>
          <small>or give your own, below</small>
        </label>
      )}
      {image ? (
        <ImageControl
          field={image}
          onChange={(value) => onAsk({ fields: { [image.name]: value } })}
          onDraw={setDraws}
        />
      ) : (
        <form
          className="row ask"
          onSubmit={(event) => {
            event.preventDefault();
            clearTimeout(typing.current);
            ask();
          }}
        >
          {form.map((field) => (
            <FieldControl
              key={field.name}
              field={field}
              value={fieldValue(field)}
              list={list}
              onChange={(value) => {
                setDraft({ ...draft, [field.name]: value });
                clearTimeout(typing.current);
                if (live && text && String(value).trim() !== "")
                  typing.current = setTimeout(() => onAsk({ fields: { [field.name]: value } }), PAUSE);
              }}
            />
          ))}
          {form.some(({ kind, name }) => kind === "image" && draft[name] !== undefined) && (
            <small role="status">your image is taken in place of an example's</small>
          )}
          {text && (
            <datalist id={list}>
              {examples?.map(({ title }) => (
                <option key={title} value={title} />
              ))}
            </datalist>
          )}
          <button type="submit" disabled={!ready}>
            {action}
          </button>
          {examples && examples.length > 0 && (
            <button
              type="button"
              className="quiet"
              onClick={() => takeExample(examples[Math.floor(Math.random() * examples.length)]!)}
            >
              Another
            </button>
          )}
        </form>
      )}
      <Problem text={problem} />
      {pictured && !draws && examples && (
        <Thumbnails examples={examples} chosen={index} onChoose={takeExample} />
      )}
    </>
  );
}

const Thumbnails = ({
  examples,
  chosen,
  onChoose,
}: {
  readonly examples: readonly Example[];
  readonly chosen: number | undefined;
  readonly onChoose: (example: Example) => void;
}) => (
  <fieldset className="thumbnails" aria-label="Examples of the data">
    {examples.map((example) => {
      const told = example.expected[0] ?? example.title;
      return (
        <button
          key={example.index}
          type="button"
          className="thumbnail"
          aria-pressed={chosen === example.index}
          aria-label={`example ${example.index + 1}: ${told}`}
          title={told}
          onClick={() => onChoose(example)}
        >
          <img src={example.url} alt="" />
        </button>
      );
    })}
  </fieldset>
);
