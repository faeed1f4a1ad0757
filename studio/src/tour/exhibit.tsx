import { useMemo } from "react";
import { Busy, Problem } from "../panels/basic.js";
import { ApiContext } from "../state.js";
import type { Chapter } from "./chapters.js";
import { exhibitApi, useExhibit } from "./exhibits.js";

/** A live exhibit: a small model that answers in the tab, in the studio's own views. */
export function Exhibit({ exhibit, view, first }: Pick<Chapter, "exhibit" | "view" | "first">) {
  const { opened, problem } = useExhibit(exhibit, view);
  const query = useMemo(() => new URLSearchParams(first), [first]);
  const [detail, View] = opened ?? [];
  return (
    <ApiContext value={exhibitApi()}>
      <Problem text={problem} />
      {detail && View ? (
        <View key={exhibit} detail={detail} query={query} isExhibit />
      ) : (
        <Busy when={problem === undefined} text="Loading a small model into this tab …" />
      )}
    </ApiContext>
  );
}
