import { Panel } from "../panels/basic.js";
import { Told } from "../panels/told.js";
import { linkTo, usePlace } from "../state.js";
import { type Chapter, chapters } from "../tour/chapters.js";
import { Exhibit } from "../tour/exhibit.js";
import { useExhibit } from "../tour/exhibits.js";

export default function Tour() {
  const { argument } = usePlace();
  const index = argument === "" ? 0 : chapters.findIndex(({ id }) => id === argument);
  const chapter = chapters[index];
  if (!chapter)
    return (
      <p>
        There is no chapter “{argument}”. <a href={linkTo("start")}>To all chapters</a>
      </p>
    );
  const [before, after] = [chapters[index - 1], chapters[index + 1]];
  return (
    <>
      <p className="note">
        <a href={linkTo("start")}>The lecture</a>, {index + 1} of {chapters.length}
      </p>
      <h1>{chapter.title}</h1>
      {chapter.text.map((paragraph) => (
        <p key={paragraph} className="lead">
          <Told text={paragraph} />
        </p>
      ))}
      <Panel title="Try this">
        <p>{chapter.question}</p>
      </Panel>
      <Exhibit key={chapter.id} {...chapter} />
      <About {...chapter} />
      <nav className="row" aria-label="Chapters">
        {before && (
          <a className="button quiet" href={linkTo("tour", before.id)}>
            Back: {before.title}
          </a>
        )}
        {after && (
          <a className="button" href={linkTo("tour", after.id)}>
            On: {after.title}
          </a>
        )}
      </nav>
    </>
  );
}

/** Whose idea it is, and where to go on with the model that is shown. */
function About({ exhibit, view, paper }: Pick<Chapter, "exhibit" | "view" | "paper">) {
  const [detail] = useExhibit(exhibit, view).opened ?? [];
  return (
    <p className="note">
      {paper}.
      {detail && (
        <>
          {" "}
          <a href={linkTo("design", detail.model)}>Its parts and equations</a>,{" "}
          <a href={linkTo("train", "", { model: detail.model })}>train one of your own</a>. The model here has
          seen {detail.step.toLocaleString("en")} steps of {detail.data}.
        </>
      )}
    </p>
  );
}
