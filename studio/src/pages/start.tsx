import { linkTo } from "../state.js";
import { chapters } from "../tour/chapters.js";
import { Exhibit } from "../tour/exhibit.js";
import { openExhibit } from "../tour/exhibits.js";

/** The chapter that the studio opens on. */
const FIRST = chapters.find(({ id }) => id === "alignment")!;
// What goes wrong is told where it is shown.
openExhibit(FIRST.exhibit, FIRST.view).catch(() => {});

export default function Start() {
  return (
    <>
      <h1>See where a model looks</h1>
      <p className="lead">
        A small translator answers in this tab as you type. Click a row to read it, drag attention to another
        word and see what it writes then, or break it with a sentence it has never seen.
      </p>
      <Exhibit {...FIRST} />
      <div className="row">
        <a className="button" href={linkTo("train")}>
          Train your own
        </a>
        <a className="button quiet" href={linkTo("tour", FIRST.id)}>
          How it works
        </a>
      </div>
      <h2>The lecture, idea by idea</h2>
      <ol className="chapters">
        {chapters.map(({ id, title, lead }) => (
          <li key={id}>
            <a href={linkTo("tour", id)}>{title}</a>
            <p className="note">{lead}</p>
          </li>
        ))}
      </ol>
    </>
  );
}
