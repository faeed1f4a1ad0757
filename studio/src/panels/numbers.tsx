import type { ReactNode } from "react";
import { type Places, placeLabels, rowOf, type TraceLook } from "../../../src/attention/trace.js";
import { arithmeticOf, channelSums } from "../../../src/views/look/mechanics.js";
import { Panel, Scrolled } from "./basic.js";
import { Told } from "./told.js";

/** Places that are told of at most: those with the greatest weights. */
const ROWS = 16;
/** Channels of the values that are told of. */
const CHANNELS = 2;
/** How far weights may be from the softmax of the scores before they are called forced. */
const SAME = 1e-3;

const V = ({ children }: { readonly children: ReactNode }) => <b>{children}</b>;
/** The state of the decoder before the step, and what a place has. */
const [QUERY, PLACE] = [
  <V key="query">s</V>,
  <span key="place">
    <V>h</V>
    <sub>j</sub>
  </span>,
];

/** How each mechanism scores a place, in the letters of the papers. */
const FORMS: Readonly<Record<string, ReactNode>> = {
  additive: (
    <>
      <V>v</V>
      <sup>⊤</sup> tanh(<V>W</V> {QUERY} + <V>U</V> {PLACE})
    </>
  ),
  dot: (
    <>
      {QUERY} · {PLACE}
    </>
  ),
  "scaled-dot": (
    <>
      {QUERY} · {PLACE} / √<i>d</i>
    </>
  ),
  general: (
    <>
      {QUERY}
      <sup>⊤</sup> <V>W</V> {PLACE}
    </>
  ),
  "projected-dot": (
    <>
      (<V>W</V> {QUERY} + <V>b</V>) · (<V>U</V> {PLACE}) / √<i>d</i>
    </>
  ),
};

const fixed = (value: number, digits = 3): string => value.toFixed(digits).replace("-", "−");

/** The shares that scores have after a softmax. */
function shares(scores: ArrayLike<number>): number[] {
  const all = Array.from(scores);
  const most = Math.max(...all);
  const powers = all.map((score) => Math.exp(score - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

/** Whether there are numbers of how a look came about. */
export const hasNumbers = (look: TraceLook | undefined): boolean => look?.weighed?.scored !== undefined;

/** One step of attention in numbers: scores, their softmax, and what is handed on, each place's part and their sum. */
export function StepNumbers({
  look,
  places,
  step,
  title,
}: {
  readonly look: TraceLook;
  readonly places: Places;
  readonly step: number;
  readonly title: string;
}) {
  const { weighed, shape } = look;
  if (!weighed?.scored || step >= shape[0]) return null;
  const [, , count] = shape;
  const { mechanism, scores: all } = weighed.scored;
  const scores = all.subarray(step * count, (step + 1) * count);
  const weights = rowOf(look, step);
  const soft = shares(scores);
  const forced = soft.some((share, place) => Math.abs(share - weights[place]!) > SAME);
  const labels = placeLabels(places, count);
  const sums = channelSums(look, step).slice(0, CHANNELS);
  const shown = labels
    .map((_, place) => place)
    .sort((a, b) => weights[b]! - weights[a]!)
    .slice(0, ROWS)
    .sort((a, b) => a - b);
  const e = (
    <>
      <i>e</i>
      <sub>j</sub>
    </>
  );
  const alpha = (
    <>
      <i>α</i>
      <sub>j</sub>
    </>
  );
  return (
    <Panel
      title={`In numbers: ${title}`}
      note="A score for each place, their softmax, and the sum of what the places have by these weights, which goes on to the next layer."
    >
      <p className="equation">
        {e} = {FORMS[mechanism] ?? "score"},{"  "}
        {alpha} = exp {e} / Σ exp {e},{"  "}
        <V>c</V> = Σ {alpha} {PLACE}
      </p>
      {forced && (
        <p className="warning">The weights of this step were put in place of the softmax of its scores.</p>
      )}
      <Scrolled label="The numbers of this step">
        <table className="readings numbers">
          <thead>
            <tr>
              <th scope="col">place</th>
              <th scope="col">score {e}</th>
              <th scope="col">softmax</th>
              <th scope="col">weight {alpha}</th>
              {sums.flatMap(({ channel }) => [
                <th key={`has ${channel}`} scope="col">
                  <i>h</i> at {channel + 1}
                </th>,
                <th key={`part ${channel}`} scope="col">
                  {alpha} <i>h</i>
                </th>,
              ])}
            </tr>
          </thead>
          <tbody>
            {shown.map((place) => (
              <tr key={place}>
                <th scope="row">{labels[place]}</th>
                <td>{fixed(scores[place]!)}</td>
                <td>{fixed(soft[place]!)}</td>
                <td>{fixed(weights[place]!)}</td>
                {sums.flatMap(({ channel, values, products }) => [
                  <td key={`has ${channel}`}>{fixed(values[place]!)}</td>,
                  <td key={`part ${channel}`}>{fixed(products[place]!)}</td>,
                ])}
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row">sum</th>
              <td />
              <td>{fixed(soft.reduce((a, b) => a + b, 0))}</td>
              <td>{fixed(weights.reduce((a, b) => a + b, 0))}</td>
              {sums.flatMap(({ channel, sum, pooled }) => [
                <td key={`has ${channel}`} />,
                <td key={`part ${channel}`}>
                  <b>{fixed(pooled ?? sum)}</b>
                </td>,
              ])}
            </tr>
          </tfoot>
        </table>
      </Scrolled>
      {sums.map((sum) => (
        <p key={sum.channel} className="equation">
          <i>c</i> at {sum.channel + 1} = {arithmeticOf(sum, weights)}
        </p>
      ))}
      <p className="note">
        <Told
          text={`${shown.length < count ? `The ${shown.length} of ${count} places with the greatest weights are shown. ` : ""}Of ${weighed.features} numbers that each place has, its annotation, those two are shown that are strongest in what is handed on.`}
        />
      </p>
    </Panel>
  );
}
