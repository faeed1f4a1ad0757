import { lazy, Suspense, useMemo } from "react";
import { Busy, Problem } from "../panels/basic.js";
import { ApiContext } from "../state.js";
import type { Chapter } from "./chapters.js";
import { exhibitApi, useExhibit } from "./exhibits.js";

const views = {
  see: lazy(async () => ({ default: (await import("../pages/see.js")).One })),
  explain: lazy(async () => ({ default: (await import("../pages/explain.js")).One })),
} as const;

/** A live exhibit: a small model that answers in the tab, in the studio's own views. */
export function Exhibit({ exhibit, view, first }: Pick<Chapter, "exhibit" | "view" | "first">) {
  const { detail, problem } = useExhibit(exhibit);
  const query = useMemo(() => new URLSearchParams(first), [first]);
  const View = views[view];
  return (
    <ApiContext value={exhibitApi()}>
      <Problem text={problem} />
      <Suspense fallback={<Busy when text="Loading the views …" />}>
        {detail ? (
          <View key={exhibit} detail={detail} query={query} isExhibit />
        ) : (
          <Busy when={problem === undefined} text="Loading a small model into this tab …" />
        )}
      </Suspense>
    </ApiContext>
  );
}
