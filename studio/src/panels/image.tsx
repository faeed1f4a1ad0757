import { type ReactNode, useEffect, useRef, useState } from "react";
import type { ImageExample, ImageInput, RunDetail, SeenImage } from "../../../src/service/protocol.js";
import { AttendedImage, type MapStyle } from "../../../src/views/spatial-maps.js";
import { useApi, useAsked } from "../state.js";
import { Problem } from "./basic.js";
import { SceneCanvas } from "./scene-canvas.js";

/** What a page asks about: an image with what stands for it in requests. */
export interface ChosenImage {
  readonly input: ImageInput;
  readonly name: string;
}

/** Bytes as base64. */
function base64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let start = 0; start < bytes.length; start += 8192)
    parts.push(String.fromCharCode(...bytes.subarray(start, start + 8192)));
  return btoa(parts.join(""));
}

export const pixelsInput = ({
  width,
  height,
  data,
}: {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}): ImageInput => ({ width, height, data: base64(data) });

/** Pixels an image file may have at most. */
const MOST_PIXELS = 100_000_000;

/** An image file at the size a model reads, what is transparent made white. @throws where it is no image, or too large */
async function readFile(file: File, [height, width]: readonly [number, number]): Promise<ImageInput> {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => {
    throw new Error(`“${file.name}” cannot be read as an image; give a JPEG, PNG or WebP file.`);
  });
  if (bitmap.width * bitmap.height > MOST_PIXELS)
    throw new Error(
      `“${file.name}” has ${bitmap.width} × ${bitmap.height} pixels but at most ${MOST_PIXELS / 1e6} million are taken; scale it down.`,
    );
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d")!;
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const rgb = new Uint8Array(3 * width * height);
  for (let pixel = 0; pixel < width * height; pixel++)
    for (let channel = 0; channel < 3; channel++) rgb[3 * pixel + channel] = data[4 * pixel + channel]!;
  return pixelsInput({ width, height, data: rgb });
}

/** Chooses an image: one of the run's data, a file that is dropped or chosen, or a scene that is drawn. */
export function ImageForm({
  run,
  detail,
  split = detail.splits[0],
  chosen,
  onChoose,
}: {
  readonly run: string;
  readonly detail: RunDetail;
  /** Whose images are offered; the first where absent. */
  readonly split?: string | undefined;
  readonly chosen: ChosenImage | undefined;
  readonly onChoose: (image: ChosenImage) => void;
}) {
  const api = useApi();
  const size = detail.settings.images!.size;
  // Scenes can be drawn for models that were trained on them.
  const drawing = detail.data === "scenes";
  const [problem, setProblem] = useState<string>();
  const [draws, setDraws] = useState(false);
  const examples = useAsked(split && `images ${run} ${split}`, () =>
    api.call("imageExamples", { run, split: split! }),
  );
  // The first image is looked at without being asked for.
  const offered = useRef(false);
  useEffect(() => {
    const [first] = examples.result ?? [];
    if (!first || chosen || offered.current) return;
    offered.current = true;
    onChoose(exampleOf(first, split!));
  }, [examples.result, chosen, split, onChoose]);
  const take = (file: File | undefined) => {
    if (!file) return;
    setProblem(undefined);
    readFile(file, size).then(
      (input) => onChoose({ input, name: file.name }),
      (error: Error) => setProblem(error.message),
    );
  };
  return (
    <div>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the button in it does the same. */}
      <div
        className="drop"
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          event.preventDefault();
          take(event.dataTransfer.files[0]);
        }}
      >
        <label className="button quiet">
          Drop an image here, or choose one
          <input
            className="hidden"
            type="file"
            accept="image/*"
            onChange={({ target }) => take(target.files?.[0])}
          />
        </label>
        {drawing && (
          <button type="button" className="quiet" aria-pressed={draws} onClick={() => setDraws(!draws)}>
            {draws ? "Choose from the data" : "Draw your own scene"}
          </button>
        )}
        <small>{`it is brought to ${size[1]} × ${size[0]} pixels`}</small>
      </div>
      <Problem text={problem ?? examples.problem} />
      {draws ? (
        <SceneCanvas onDraw={(pixels) => onChoose({ input: pixelsInput(pixels), name: "your scene" })} />
      ) : (
        <Thumbnails
          examples={examples.result ?? []}
          chosen={chosen?.input}
          onChoose={(example) => onChoose(exampleOf(example, split!))}
        />
      )}
    </div>
  );
}

const exampleOf = ({ index, name }: ImageExample, split: string): ChosenImage => ({
  input: { split, index },
  name,
});

function Thumbnails({
  examples,
  chosen,
  onChoose,
}: {
  readonly examples: readonly ImageExample[];
  readonly chosen: ImageInput | undefined;
  readonly onChoose: (example: ImageExample) => void;
}) {
  return (
    <fieldset className="thumbnails" aria-label="Images of the data">
      {examples.map((example) => {
        const pressed = chosen !== undefined && "split" in chosen && chosen.index === example.index;
        return (
          <button
            key={example.index}
            type="button"
            className="thumbnail"
            aria-pressed={pressed}
            aria-label={`image ${example.index + 1}: ${example.captions[0]}`}
            title={example.captions[0]}
            onClick={() => onChoose(example)}
          >
            <img src={example.url} alt="" />
          </button>
        );
      })}
    </fieldset>
  );
}

/** An image with the map of one step over it, large; pointing at a cell names it, and a click can force attention there. */
export function MapOver({
  seen,
  weights,
  style,
  side = 320,
  label,
  onCell,
  children,
}: {
  readonly seen: Pick<SeenImage, "image" | "grid">;
  /** [row, column]; the plain image where absent. */
  readonly weights: readonly (readonly number[])[] | undefined;
  readonly style: MapStyle;
  readonly side?: number;
  readonly label: string;
  readonly onCell?: (cell: number) => void;
  readonly children?: ReactNode;
}) {
  const { image, grid } = seen;
  const height = Math.round((side * image.height) / image.width);
  const trace = {
    kind: "spatial" as const,
    image,
    grid,
    words: [label],
    weights: weights ? [weights] : [],
  };
  return (
    <figure className="map">
      <div className="map-picture" style={{ width: side }}>
        <svg viewBox={`0 0 ${side} ${height}`} width={side} height={height} role="img" aria-label={label}>
          <AttendedImage
            trace={trace}
            step={weights ? 0 : undefined}
            side={side}
            style={style}
            name={`over-${label.replace(/[^a-z0-9]+/gi, "-")}-${style}`}
          />
        </svg>
        {onCell && (
          <fieldset
            className="cells"
            style={{ gridTemplateColumns: `repeat(${grid.columns}, 1fr)` }}
            aria-label="Places; a click puts all attention of this step there"
          >
            {Array.from({ length: grid.rows * grid.columns }, (_, cell) => (
              <button
                key={cell}
                type="button"
                tabIndex={cell === 0 ? 0 : -1}
                aria-label={`row ${Math.floor(cell / grid.columns) + 1}, column ${(cell % grid.columns) + 1}`}
                onKeyDown={(event) => {
                  const by = {
                    ArrowLeft: -1,
                    ArrowRight: 1,
                    ArrowUp: -grid.columns,
                    ArrowDown: grid.columns,
                  }[event.key];
                  if (by === undefined) return;
                  event.preventDefault();
                  const next = event.currentTarget.parentElement?.children[cell + by];
                  if (next instanceof HTMLElement) next.focus();
                }}
                onClick={() => onCell(cell)}
              />
            ))}
          </fieldset>
        )}
      </div>
      {children && <figcaption>{children}</figcaption>}
    </figure>
  );
}
