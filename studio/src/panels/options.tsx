import type { ModelInfo, OptionSchema } from "../../../src/service/protocol.js";

export type OptionValue = NonNullable<OptionSchema["default"]>;
export type Configuration = Readonly<Record<string, OptionValue>>;

/** The model that is asked for by its name, or the first of a task that attends; the usual one where neither is asked for. */
export const firstModel = (
  models: readonly ModelInfo[],
  id: string | null | undefined,
  task?: string | null,
): ModelInfo => {
  const fitting = models.filter((one) => !task || one.task === task);
  return (
    models.find((one) => one.id === id) ??
    fitting.find(({ usual, attention }) => (task || usual) && attention.some((kind) => kind !== "none")) ??
    fitting[0] ??
    models[0]!
  );
};

/** Options of a model that an address carries, over what is usual. */
export function configurationFrom(model: ModelInfo, query: URLSearchParams): Configuration {
  const given = Object.entries(model.schema.properties).flatMap(([name, option]): [string, OptionValue][] => {
    const value = query.get(name);
    if (value === null) return [];
    if (option.type === "boolean") return [[name, value === "true"]];
    if (option.prefixItems) return [[name, value.split(",").map(Number)]];
    return [[name, option.enum ? value : Number(value)]];
  });
  return { ...defaultsOf(model.schema), ...Object.fromEntries(given) };
}

/** Options as a JSON schema has them. */
export type Schema = ModelInfo["schema"];

export const defaultsOf = (schema: Schema): Configuration =>
  Object.fromEntries(
    Object.entries(schema.properties).flatMap(([name, option]) =>
      option.default === undefined ? [] : [[name, option.default]],
    ),
  );

/** A form made from a schema. */
export function Options({
  schema,
  value,
  onChange,
}: {
  readonly schema: Schema;
  readonly value: Configuration;
  readonly onChange: (value: Configuration) => void;
}) {
  return (
    <div className="fields">
      {Object.entries(schema.properties).map(([name, option]) => (
        // biome-ignore lint/a11y/noLabelWithoutControl: Field is the control.
        <label className="field" key={name}>
          <span>{name}</span>
          <Field
            name={name}
            option={option}
            value={value[name]}
            onChange={(one) => onChange({ ...value, [name]: one })}
          />
          {option.description && <small>{option.description}</small>}
        </label>
      ))}
    </div>
  );
}

function Field({
  name,
  option,
  value,
  onChange,
}: {
  readonly name: string;
  readonly option: OptionSchema;
  readonly value: OptionValue | undefined;
  readonly onChange: (value: OptionValue) => void;
}) {
  if (option.type === "boolean")
    return (
      <input type="checkbox" checked={value === true} onChange={({ target }) => onChange(target.checked)} />
    );
  if (option.prefixItems && Array.isArray(value))
    return (
      <span className="several">
        {option.prefixItems.map((item, index) => (
          <Field
            key={index}
            name={`${name} ${index + 1}`}
            option={item}
            value={value[index]}
            onChange={(one) => onChange(value.with(index, one as number))}
          />
        ))}
      </span>
    );
  if (option.enum)
    return (
      <select value={String(value)} onChange={({ target }) => onChange(target.value)}>
        {option.enum.map((one) => (
          <option key={one}>{one}</option>
        ))}
      </select>
    );
  return (
    <input
      type="number"
      aria-label={/\d$/.test(name) ? name : undefined}
      required
      min={option.minimum}
      max={option.maximum}
      step={option.type === "integer" ? 1 : "any"}
      value={typeof value !== "number" || Number.isNaN(value) ? "" : value}
      onChange={({ target }) => onChange(target.valueAsNumber)}
    />
  );
}
