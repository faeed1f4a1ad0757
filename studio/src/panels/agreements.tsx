import type { NamedAgreement } from "../../../src/service/protocol.js";
import { Panel, percent } from "./basic.js";

export const METHOD_NAMES: Readonly<Record<string, string>> = {
  attention: "attention",
  salience: "salience",
  effect: "causal effect",
};

/** How maps of one example agree. */
export const Agreements = ({
  agreements,
  greatest,
}: {
  readonly agreements: readonly NamedAgreement[];
  /** What a row's greatest is: a word, or a place. */
  readonly greatest: string;
}) => (
  <Panel
    title="How they agree"
    note={`Rank correlation of the rows, from −1 to 1, and the share of rows whose greatest ${greatest} is the same.`}
  >
    <table className="readings">
      <thead>
        <tr>
          <th scope="col">compared</th>
          <th scope="col">rank correlation</th>
          <th scope="col">same greatest</th>
        </tr>
      </thead>
      <tbody>
        {agreements.map(({ of, with: other, correlation, sameGreatest }) => (
          <tr key={`${of} ${other}`}>
            <th scope="row">
              {METHOD_NAMES[of] ?? of} and {METHOD_NAMES[other] ?? other}
            </th>
            <td>{correlation === undefined ? "–" : correlation.toFixed(2)}</td>
            <td>{percent(sameGreatest)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  </Panel>
);
