import type { ModelInfo, OptionSchema } from "../../../src/service/protocol.js";

export type Configuration = Readonly<Record<string, string | number>>;

export const defaultsOf = ({ schema }: ModelInfo): Configuration =>
  Object.fromEntries(
    Object.entries(schema.properties).flatMap(([name, option]) =>
      option.default === undefined ? [] : [[name, option.default]],
    ),
  );

/** A form made from a model's own configuration schema. */
export function Options({
  model,
  value,
  onChange,
}: {
  readonly model: ModelInfo;
  readonly value: Configuration;
  readonly onChange: (value: Configuration) => void;
}) {
  return (
    <div className="fields">
      {Object.entries(model.schema.properties).map(([name, option]) => (
        // biome-ignore lint/a11y/noLabelWithoutControl: Field is the control.
        <label className="field" key={name}>
          <span>{name}</span>
          <Field
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
  option,
  value,
  onChange,
}: {
  readonly option: OptionSchema;
  readonly value: string | number | undefined;
  readonly onChange: (value: string | number) => void;
}) {
  if (option.enum)
    return (
      <select value={value} onChange={({ target }) => onChange(target.value)}>
        {option.enum.map((one) => (
          <option key={one}>{one}</option>
        ))}
      </select>
    );
  return (
    <input
      type="number"
      required
      min={option.minimum}
      max={option.maximum}
      step={option.type === "integer" ? 1 : "any"}
      value={Number.isNaN(value) ? "" : value}
      onChange={({ target }) => onChange(target.valueAsNumber)}
    />
  );
}
