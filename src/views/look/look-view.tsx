import type { ReactElement } from "react";
import {
  groupLooks,
  headOf,
  type LookTitle,
  meanOfLooks,
  placesOf,
  type Trace,
  type TraceLook,
  titleOfLook,
} from "../../attention/trace.js";
import { drawBars } from "./bars.js";
import { type Draw, type Drawing, Drawn, type DrawOptions } from "./drawing.js";
import { drawGates } from "./gates.js";
import { drawHeads } from "./heads.js";
import { drawMaps, drawPath, drawStep } from "./maps.js";
import { drawMatrix } from "./matrix.js";
import { drawMechanics } from "./mechanics.js";
import { drawMemory } from "./memory.js";
import { drawRibbon } from "./ribbon.js";
import { isScore } from "./shading.js";
import { drawCanvases, drawTrail } from "./windows.js";

/** Every way to draw looks, by its name; those that draw one look at a time are given the mean of its heads, or one of them. */
const views = {
  matrix: { draw: drawMatrix, title: "Matrix", one: true },
  ribbon: { draw: drawRibbon, title: "Ribbon", one: true },
  maps: { draw: drawMaps, title: "Filmstrip", one: true },
  path: { draw: drawPath, title: "Path", one: true },
  mechanics: { draw: drawMechanics, title: "Mechanics", one: true },
  bars: { draw: drawBars, title: "Bars", one: true },
  trail: { draw: drawTrail, title: "Trail", one: false },
  canvases: { draw: drawCanvases, title: "Canvas", one: false },
  memory: { draw: drawMemory, title: "Slots", one: false },
  heads: { draw: drawHeads, title: "All heads", one: false },
  gates: { draw: drawGates, title: "Gates", one: false },
} as const satisfies Record<string, { draw: Draw; title: string; one: boolean }>;

/** The name of a way to draw. */
export type ViewName = keyof typeof views;

export const viewNames = Object.keys(views) as ViewName[];

/** What a way to draw is called. */
export const viewTitle = (view: ViewName): string => views[view].title;

/** A picture that a trace has: a look, or looks that are drawn together. */
export interface Picture {
  readonly name: string;
  readonly title: LookTitle;
  /** What it shows, as a heading. */
  readonly heading: string;
  readonly looks: readonly [TraceLook, ...TraceLook[]];
  /** The ways to draw it, the usual one first. */
  readonly views: readonly [ViewName, ...ViewName[]];
}

const HEADINGS: Readonly<Record<LookTitle, string>> = {
  alignment: "Which words it looked at, step by step",
  spatial: "Where in the image it looked, step by step",
  temporal: "When it looked, step by step",
  glimpses: "The way of its gaze",
  memory: "Which slots its heads looked at, step by step",
  heads: "Which words each head looked at",
  gates: "What its layers took in and kept, step by step",
};

const hasHeads = (looks: readonly TraceLook[]): boolean => looks.length > 1 || looks[0]!.shape[1] > 1;

function viewsOf(trace: Trace, looks: readonly [TraceLook, ...TraceLook[]]): Picture["views"] {
  const [look] = looks;
  const places = placesOf(trace, look);
  if (look.kind === "gates") return ["gates"];
  if (look.kind === "windows")
    return trace.steps.some(({ images }) => images?.[look.over]) ? ["canvases", "trail"] : ["trail"];
  switch (places.kind) {
    case "tokens":
      return hasHeads(looks) ? ["heads", "matrix", "ribbon"] : ["matrix", "ribbon"];
    case "grid":
      if (isScore(look)) return ["maps", "matrix"];
      // Places that look, each with several heads, are as many maps as nobody looks through.
      if (hasHeads(looks) && look.from !== undefined) return ["heads", "maps", "matrix"];
      return look.weighed ? ["maps", "path", "mechanics"] : ["maps", "path"];
    case "frames":
    case "signal":
      return ["bars"];
    case "slots":
      return ["memory"];
    case "canvas":
      return ["matrix"];
  }
}

/** Gates of one reading are drawn together, heads of a memory, and the layers of heads that look at the same. */
function groupOf(trace: Trace, look: TraceLook): string | undefined {
  const { kind, over, from, shape, unit } = look;
  if (kind === "gates") return `gates ${from}`;
  if (kind === "windows" || unit !== undefined) return undefined;
  const where = `${over} ${from} ${shape[0]} ${shape[2]}`;
  const { kind: places } = placesOf(trace, look);
  if (places === "slots") return `memory ${where}`;
  const together = places === "tokens" || (places === "grid" && from !== undefined);
  return shape[1] > 1 && together ? `heads ${where}` : undefined;
}

/** What looks have in common in their names: "decoder" of "decoder 1" and "decoder 2". */
function commonName(looks: readonly [TraceLook, ...TraceLook[]], title: LookTitle): string {
  const [{ name }] = looks;
  if (looks.length === 1) return name;
  let same = 0;
  while (looks.every((look) => look.name[same] === name[same]) && same < name.length) same++;
  return name.slice(0, same).replace(/[\s\d_.-]+$/, "") || title;
}

/** What pictures a trace has, in the order of its looks. */
export function picturesOf(trace: Trace): Picture[] {
  const found = groupLooks(trace.looks, (look) => groupOf(trace, look)).map((looks): Picture => {
    const places = placesOf(trace, looks[0]);
    const title = titleOfLook(looks[0], places);
    const name = title === "gates" ? title : commonName(looks, title);
    const heading =
      title === "heads" && places.kind === "grid" ? "Where in the image each head looked" : HEADINGS[title];
    return { name, title, heading, looks, views: viewsOf(trace, looks) };
  });
  return found.map((picture) => {
    const { name, title, heading, looks } = picture;
    const score = isScore(looks[0]);
    if (score)
      return {
        ...picture,
        heading: `${name[0]?.toUpperCase()}${name.slice(1)}${looks[0].unit ? `, in ${looks[0].unit}` : ""}`,
      };
    if (looks[0].derived)
      return {
        ...picture,
        heading: `${name[0]?.toUpperCase()}${name.slice(1)}: how much of each, one after another`,
      };
    const alike = found.filter((one) => one.title === title && !isScore(one.looks[0]));
    return alike.length > 1 ? { ...picture, heading: `${heading} (${name})` } : picture;
  });
}

/** The picture that stands for a trace where one is asked for: what its steps looked at, otherwise the first. */
export const mainPicture = (pictures: readonly Picture[]): Picture | undefined =>
  pictures.find(({ looks: [look] }) => look.kind !== "gates" && look.from === undefined) ??
  pictures.find(({ looks: [look] }) => look.kind !== "gates" && !look.derived) ??
  pictures[0];

/** How the picture of a trace is drawn. */
export interface PictureOptions extends DrawOptions {
  /** The way to draw; the usual one where absent, or where the picture cannot be drawn so. */
  readonly view?: ViewName | undefined;
  /** The layer and head to show where one is shown; the mean over all where absent. */
  readonly open?: { readonly look: string; readonly head: number } | undefined;
}

/** The one look of a picture that is drawn where one is: the head that is opened, or the mean. */
export function openLook({ looks }: Picture, open: PictureOptions["open"]): TraceLook {
  const look = open && looks.find(({ name }) => name === open.look);
  return look && open.head < look.shape[1] ? headOf(look, open.head) : meanOfLooks(looks);
}

/** The way a picture is drawn where one is asked for: the usual one where it cannot be drawn so. */
export const viewOf = ({ views: own }: Picture, view: ViewName | undefined): ViewName =>
  view && own.includes(view) ? view : own[0];

/** A picture of a trace. */
export function drawPicture(trace: Trace, picture: Picture, options: PictureOptions = {}): Drawing {
  const { view, open, ...rest } = options;
  const { draw, one } = views[viewOf(picture, view)];
  return draw(trace, one ? [openLook(picture, open)] : picture.looks, rest);
}

/** Draws any look by what it goes over and of which kind it is. */
export const LookView = ({
  trace,
  picture,
  ...options
}: PictureOptions & { readonly trace: Trace; readonly picture: Picture }): ReactElement => (
  <Drawn drawing={drawPicture(trace, picture, options)} />
);

/** A picture at each of its steps, one after the other, to be set in motion; none where it does not move. */
export function momentsOf(trace: Trace, picture: Picture, options: PictureOptions = {}): Drawing[] {
  const look = openLook(picture, options.open);
  const steps = Array.from({ length: look.shape[0] }, (_, step) => step);
  const [first] = picture.views;
  if (first === "maps") return steps.map((step) => drawStep(trace, look, step, options));
  if (first === "trail" || first === "canvases")
    return steps.map((step) => drawTrail(trace, picture.looks, { ...options, selected: step }));
  return [];
}
