import type { Block } from "../../../src/task/form.js";
import { Panel, percent } from "./basic.js";

/** What a model gave besides where it looked. */
export const Blocks = ({ blocks }: { readonly blocks: readonly Block[] }) =>
  blocks.length === 0 ? null : (
    <div className="columns">
      {blocks.map((block, index) => (
        <Panel key={index} title={block.title}>
          <Content block={block} />
        </Panel>
      ))}
    </div>
  );

function Content({ block }: { readonly block: Block }) {
  switch (block.kind) {
    case "text":
      return <p>{block.text}</p>;
    case "image": {
      const { url, width, height } = block.image;
      const side = Math.max(1, Math.floor(256 / Math.max(width, height)));
      return (
        <img
          className="pixels"
          src={url}
          width={side > 1 ? side * width : undefined}
          alt={`${block.title}, ${width} × ${height} pixels`}
        />
      );
    }
    case "grid":
      return <Cells rows={block.rows} labels={block.labels} />;
    case "classes":
      return (
        <ul className="bars">
          {block.items.map(({ label, probability, right }) => (
            <li key={label}>
              <span className="class">{label}</span>
              <meter min={0} max={1} value={probability} aria-label={`probability of ${label}`} />
              <span>
                {percent(probability)}
                {right && " · the right one"}
              </span>
            </li>
          ))}
        </ul>
      );
    case "truth":
      return <p>{block.right ? "This is right." : `Right would be ${block.references.join(" or ")}.`}</p>;
  }
}

/** Numbers from 0 to 1 as dark or light cells, a line for each row. */
export const Cells = ({
  rows,
  labels,
}: {
  readonly rows: readonly (readonly number[])[];
  readonly labels?: readonly string[] | undefined;
}) => (
  <div className="grid-scroll">
    <table className="grid-cells">
      <tbody>
        {rows.map((row, index) => (
          <tr key={index}>
            {labels && (
              <th scope="row" className="grid-label">
                {labels[index]}
              </th>
            )}
            {row.map((value, column) => (
              <td
                key={column}
                title={value.toFixed(3)}
                style={{
                  backgroundColor: `color-mix(in srgb, var(--ink) ${(100 * value).toFixed(1)}%, transparent)`,
                }}
              >
                <span className="hidden">{value.toFixed(1)}</span>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);
