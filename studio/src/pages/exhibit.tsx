import { usePlace } from "../state.js";
import { chapters } from "../tour/chapters.js";
import { Exhibit } from "../tour/exhibit.js";

/** The exhibit of a chapter by itself, to stand in pages of the documentation. */
export default function ExhibitAlone() {
  const { argument } = usePlace();
  const chapter = chapters.find(({ id }) => id === argument);
  if (!chapter) return <p>There is no exhibit “{argument}”.</p>;
  return (
    <>
      <h1 className="hidden">{chapter.title}, live</h1>
      <Exhibit {...chapter} />
    </>
  );
}
