import { FONT, light, type Theme, textWidth } from "./theme.js";

/** A part of a model as its drawing has it. */
export interface DrawnPart {
  readonly id: string;
  readonly title: string;
  /** What it reads, by the ids of parts; what is no part is not drawn. */
  readonly from: readonly string[];
  /** What it hands on, with its axes. */
  readonly gives: string;
  /** What else is told of it, such as how many parameters it has. */
  readonly facts?: string;
}

/** What a model's drawing shows. */
export interface ModelDrawingProps {
  readonly model: string;
  readonly parts: readonly DrawnPart[];
  readonly theme?: Theme | undefined;
  /** The part that is brought out. */
  readonly opened?: string | undefined;
  /** Hears which part is chosen, and undefined where it is left again; where absent the drawing is a picture. */
  readonly onOpen?: ((part: string | undefined) => void) | undefined;
}

const [BOX_HEIGHT, GAP_X, GAP_Y, MARGIN] = [74, 28, 46, 16];

/** Pixels that an edge takes in a row that it passes through. */
const LANE = 20;

/** Length and half the width of an arrow's head. */
const [HEAD, HALF] = [8, 4.5];

/** What stands in a row: a part, or an edge that passes through from a part further above to one further below. */
type Item = { readonly part: string } | { readonly edge: string };

interface Edge {
  readonly from: string;
  readonly to: string;
  /** From the step before: up again. */
  readonly back: boolean;
}

/** Parts in rows, each below everything it reads but what it reads of the step before, and edges where they pass through. */
function layersOf(parts: readonly DrawnPart[]): { rows: Item[][]; edges: Edge[] } {
  const depth = new Map<string, number>();
  for (const { id, from } of parts)
    depth.set(id, 1 + Math.max(-1, ...from.map((other) => depth.get(other) ?? -1)));
  const edges = parts.flatMap(({ id, from }) =>
    from.flatMap((other) =>
      depth.has(other) ? [{ from: other, to: id, back: depth.get(other)! >= depth.get(id)! }] : [],
    ),
  );
  const rows: Item[][] = [];
  // In the order in which what they come from stands above, so that few edges cross.
  const positions = new Map<string, number>();
  for (let row = 0; row <= Math.max(...depth.values()); row++) {
    const above = (edge: Edge) =>
      positions.get(depth.get(edge.from) === row - 1 ? edge.from : nameOf(edge)) ?? 0;
    const items = [
      ...parts
        .filter(({ id }) => depth.get(id) === row)
        .map(({ id }) => {
          const read = edges.filter(({ to, back }) => to === id && !back);
          return { item: { part: id }, name: id, from: read.map(above) };
        }),
      ...edges
        .filter(({ from, to, back }) => !back && depth.get(from)! < row && depth.get(to)! > row)
        .map((edge) => ({ item: { edge: nameOf(edge) }, name: nameOf(edge), from: [above(edge)] })),
    ].map((one, index) => ({
      ...one,
      at: one.from.length > 0 ? one.from.reduce((a, b) => a + b, 0) / one.from.length : index,
    }));
    items.sort((a, b) => a.at - b.at);
    items.forEach(({ name }, index) => {
      positions.set(name, (index + 0.5) / items.length);
    });
    rows.push(items.map(({ item }) => item));
  }
  return { rows, edges };
}

const nameOf = ({ from, to }: Edge): string => `${from} → ${to}`;

/** A model's parts in layers, with arrows from what each reads; dashed from the step before. */
export function ModelDrawing({ model, parts, theme = light, opened, onOpen }: ModelDrawingProps) {
  const { rows, edges } = layersOf(parts);
  const part = (id: string) => parts.find((one) => one.id === id)!;
  const widthOf = (id: string) => {
    const { title, facts = "", gives } = part(id);
    return Math.max(textWidth(title, 14) * 1.06, textWidth(facts, 12), textWidth(gives, 12)) + 28;
  };
  const itemWidth = (item: Item) => ("part" in item ? widthOf(item.part) : LANE);
  const rowWidth = (row: readonly Item[]) => row.reduce((sum, item) => sum + itemWidth(item) + GAP_X, -GAP_X);
  const width = Math.max(...rows.map(rowWidth)) + 2 * MARGIN + 40;
  const height = rows.length * (BOX_HEIGHT + GAP_Y) - GAP_Y + 2 * MARGIN;
  const places = new Map<string, { x: number; y: number; width: number }>();
  /** Where edges pass through rows, from above to below. */
  const lanes = new Map<string, { x: number; y: number }[]>();
  rows.forEach((row, index) => {
    let x = (width - rowWidth(row)) / 2;
    const y = MARGIN + index * (BOX_HEIGHT + GAP_Y);
    for (const item of row) {
      const size = itemWidth(item);
      if ("part" in item) places.set(item.part, { x, y, width: size });
      else lanes.set(item.edge, [...(lanes.get(item.edge) ?? []), { x: x + size / 2, y }]);
      x += size + GAP_X;
    }
  });
  /** The line of an edge, and the head at its end. */
  const pathOf = (edge: Edge): { line: string; head: string } => {
    const [a, b] = [places.get(edge.from)!, places.get(edge.to)!];
    if (edge.back) {
      const [x, y] = [b.x + b.width, b.y + BOX_HEIGHT - 16];
      return {
        line: `M${a.x + a.width} ${a.y + 20}C${width - 4} ${a.y} ${width - 4} ${y} ${x + HEAD} ${y}`,
        head: `M${x} ${y}l${HEAD} ${-HALF}v${2 * HALF}z`,
      };
    }
    const curve = (x0: number, y0: number, x1: number, y1: number) =>
      `C${x0} ${y0 + 26} ${x1} ${y1 - 26} ${x1} ${y1}`;
    let [x, y] = [a.x + a.width / 2, a.y + BOX_HEIGHT];
    let line = `M${x} ${y}`;
    for (const lane of lanes.get(nameOf(edge)) ?? []) {
      line += `${curve(x, y, lane.x, lane.y)}V${lane.y + BOX_HEIGHT}`;
      [x, y] = [lane.x, lane.y + BOX_HEIGHT];
    }
    const end = b.x + b.width / 2;
    return {
      line: line + curve(x, y, end, b.y - HEAD),
      head: `M${end} ${b.y}l${-HALF} ${-HEAD}h${2 * HALF}z`,
    };
  };
  return (
    <svg
      xmlns="http://www.w3.org/2000/svg"
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
      fontFamily={FONT}
      fontSize={12}
      role={onOpen ? "group" : "img"}
      aria-label={`Parts of ${model}`}
    >
      <rect width={width} height={height} fill={theme.background} />
      {edges.map((edge) => {
        const { line, head } = pathOf(edge);
        return (
          <g key={nameOf(edge)}>
            <path
              d={line}
              fill="none"
              stroke={theme.faint}
              strokeWidth={1.5}
              strokeDasharray={edge.back ? "5 4" : undefined}
            >
              <title>{`${nameOf(edge)}${edge.back ? ", from the step before" : ""}`}</title>
            </path>
            <path d={head} fill={theme.faint} />
          </g>
        );
      })}
      {parts.map((one) => {
        const { x, y, width: size } = places.get(one.id)!;
        const isOpen = opened === one.id;
        const toggle = () => onOpen?.(isOpen ? undefined : one.id);
        return (
          <g
            key={one.id}
            className="part"
            {...(onOpen && {
              role: "button",
              tabIndex: 0,
              "aria-pressed": isOpen,
              onClick: toggle,
              onKeyDown: (event) => {
                if (event.key !== "Enter" && event.key !== " ") return;
                event.preventDefault();
                toggle();
              },
            })}
          >
            <rect
              x={x}
              y={y}
              width={size}
              height={BOX_HEIGHT}
              rx={8}
              fill={theme.background}
              stroke={isOpen ? theme.ink : theme.faint}
              strokeWidth={isOpen ? 2.5 : 1.2}
            />
            <text x={x + 14} y={y + 22} fontSize={14} fontWeight={600} fill={theme.text}>
              {one.title}
            </text>
            <text x={x + 14} y={y + 42} fill={theme.faint}>
              {one.gives}
            </text>
            {one.facts !== undefined && (
              <text x={x + 14} y={y + 60} fill={theme.text}>
                {one.facts}
              </text>
            )}
          </g>
        );
      })}
    </svg>
  );
}
