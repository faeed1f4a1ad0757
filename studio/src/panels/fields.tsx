import { useState } from "react";
import { fromBase64, toBase64 } from "../../../src/core/base64.js";
import { readNpy } from "../../../src/data/format/npy.js";
import { spreadOver } from "../../../src/data/spread.js";
import type { ClipValue, Field, FieldValue, ImageValue, SoundValue } from "../../../src/task/form.js";
import { Problem } from "./basic.js";
import { Drawing } from "./drawing.js";

type Of<Kind extends Field["kind"]> = Extract<Field, { kind: Kind }>;

interface Control<Kind extends Field["kind"]> {
  readonly field: Of<Kind>;
  readonly value: FieldValue | undefined;
  readonly onChange: (value: FieldValue) => void;
}

/** Pixels an image file may have at most. */
const MOST_PIXELS = 100_000_000;

/** Colours with their opacity as an image's value: all three, or their brightness. */
export function imageValue({ width, height, data }: ImageData, channels: 1 | 3): ImageValue {
  const values = new Uint8Array(channels * width * height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const [red, green, blue] = [data[4 * pixel]!, data[4 * pixel + 1]!, data[4 * pixel + 2]!];
    // Brightness as ITU-R BT.601 has it.
    if (channels === 1) values[pixel] = Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
    else values.set([red, green, blue], 3 * pixel);
  }
  return { width, height, data: toBase64(values) };
}

/** An image file at the size a model reads, what is transparent made white. @throws where it is no image, or too large */
async function readFile(
  file: File,
  { size: [height, width], channels }: Pick<Of<"image">, "size" | "channels">,
): Promise<ImageValue> {
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
  return imageValue(context.getImageData(0, 0, width, height), channels);
}

/** A file that is dropped or chosen, or what is drawn. */
export function ImageControl({
  field,
  onChange,
  onDraw,
}: Omit<Control<"image">, "value"> & {
  /** Hears whether people draw. */
  readonly onDraw?: (draws: boolean) => void;
}) {
  const [problem, setProblem] = useState<string>();
  const [draws, setDraws] = useState(false);
  const take = (file: File | undefined) => {
    if (!file) return;
    setProblem(undefined);
    readFile(file, field).then(onChange, (error: Error) => setProblem(error.message));
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
        {field.drawn && (
          <button
            type="button"
            className="quiet"
            aria-pressed={draws}
            onClick={() => {
              setDraws(!draws);
              onDraw?.(!draws);
            }}
          >
            {draws ? "Choose from the data" : "Draw your own"}
          </button>
        )}
        <small>{`it is brought to ${field.size[1]} × ${field.size[0]} pixels`}</small>
      </div>
      <Problem text={problem} />
      {draws && <Drawing field={field} onChange={onChange} />}
    </div>
  );
}

/** Files of frames in the order of the numbers in their names, or one of features. @throws where they are no such */
async function readClip(files: readonly File[], { frame, longest }: Of<"clip">): Promise<ClipValue> {
  const [height, width] = frame;
  if (width === undefined) {
    const [file] = files;
    const { shape, data } = readNpy(new Uint8Array(await file!.arrayBuffer()), file!.name);
    if (files.length > 1 || shape.length !== 2 || shape[1] !== height)
      throw new Error(
        `“${file!.name}” holds numbers of [${shape.join(", ")}]; give one file of [frames, ${height}].`,
      );
    const kept = spreadOver(
      Array.from({ length: shape[0]! }, (_, row) => data.subarray(row * height, (row + 1) * height)),
      longest,
    );
    const frames = Float32Array.from(kept.flatMap((row) => Array.from(row)));
    return { count: kept.length, frames: toBase64(new Uint8Array(frames.buffer)) };
  }
  const names = new Intl.Collator("en", { numeric: true });
  const kept = spreadOver(
    [...files].sort((a, b) => names.compare(a.name, b.name)),
    longest,
  );
  const size = 3 * height * width;
  const frames = new Uint8Array(kept.length * size);
  for (const [index, file] of kept.entries()) {
    const { data } = await readFile(file, { size: [height, width], channels: 3 });
    frames.set(fromBase64(data), index * size);
  }
  return { count: kept.length, frames: toBase64(frames) };
}

/** Files of the frames of a clip, or one of its features. */
function ClipControl({ field, onChange }: Omit<Control<"clip">, "value">) {
  const [problem, setProblem] = useState<string>();
  const hasColours = field.frame.length === 3;
  const take = (files: readonly File[]) => {
    if (files.length === 0) return;
    setProblem(undefined);
    readClip(files, field).then(onChange, (error: Error) => setProblem(error.message));
  };
  return (
    <div>
      <div className="drop">
        <label className="button quiet">
          {hasColours ? "Choose the frames of a clip" : "Choose a file of features"}
          <input
            className="hidden"
            type="file"
            multiple={hasColours}
            accept={hasColours ? "image/*" : ".npy"}
            onChange={({ target }) => take([...(target.files ?? [])])}
          />
        </label>
        <small>
          {hasColours
            ? `images with numbers in their names; ${field.longest} of them at most are read, at ${field.frame[1]} × ${field.frame[0]} pixels`
            : `.npy of [frames, ${field.frame[0]}]; ${field.longest} frames at most are read`}
        </small>
      </div>
      <Problem text={problem} />
    </div>
  );
}

/** Rows that a sequence of bits begins with. */
const FIRST_ROWS = 6;

const isRows = (value: FieldValue | undefined): value is readonly (readonly number[])[] =>
  Array.isArray(value) && (value.length === 0 || Array.isArray(value[0]));

/** Rows of bits, time from left to right: a click turns one on or off. */
function BitsControl({ field: { width, longest, title }, value, onChange }: Control<"bits">) {
  const rows = isRows(value) ? value : [];
  const made = (count: number, bit: () => number) =>
    Array.from({ length: count }, () => Array.from({ length: width }, bit));
  return (
    <div>
      <fieldset className="bits" aria-label={`${title}: a column for each step`}>
        {rows.map((row, step) => (
          <div key={step} className="bits-row">
            {row.map((bit, index) => (
              <button
                key={index}
                type="button"
                aria-pressed={bit > 0.5}
                aria-label={`step ${step + 1}, bit ${index + 1}`}
                onClick={() =>
                  onChange(
                    rows.map((one, other) =>
                      other === step ? one.map((old, place) => (place === index ? 1 - old : old)) : one,
                    ),
                  )
                }
              />
            ))}
          </div>
        ))}
      </fieldset>
      <div className="row">
        <button
          type="button"
          className="quiet"
          disabled={rows.length >= longest}
          onClick={() => onChange([...rows, ...made(1, () => 0)])}
        >
          Another step
        </button>
        <button
          type="button"
          className="quiet"
          disabled={rows.length === 0}
          onClick={() => onChange(rows.slice(0, -1))}
        >
          Take the last away
        </button>
        <button
          type="button"
          className="quiet"
          onClick={() =>
            onChange(made(Math.min(longest, rows.length || FIRST_ROWS), () => Math.round(Math.random())))
          }
        >
          Toss coins
        </button>
        <small>{`${rows.length} of at most ${longest} steps`}</small>
      </div>
    </div>
  );
}

function NumbersControl({ field, value, onChange }: Control<"numbers">) {
  const [text, setText] = useState<string>();
  const shown = text ?? (Array.isArray(value) ? value.join(" ") : "");
  return (
    <input
      value={shown}
      required
      inputMode="decimal"
      pattern="\s*-?[\d.]+(e-?\d+)?([\s,;]+-?[\d.]+(e-?\d+)?)*\s*"
      title={`numbers with spaces between them${field.count ? `, ${field.count} of them` : ""}`}
      placeholder={`${field.count ?? "some"} numbers, such as 3 1.5 -2`}
      onChange={({ target }) => {
        setText(target.value);
        onChange(
          target.value
            .split(/[\s,;]+/)
            .filter((part) => part !== "")
            .map(Number),
        );
      }}
    />
  );
}

/** Frames, in the order of the numbers in their names, and the box of the first. */
function FilmControl({ field, onChange }: Omit<Control<"film">, "value">) {
  const [frames, setFrames] = useState<readonly ImageValue[]>([]);
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<string>();
  const give = (images: readonly ImageValue[], numbers: string) => {
    if (images.length > 0 && !field.boxed) return onChange({ frames: images });
    const box = (numbers.match(/[\d.]+/g) ?? []).map(Number);
    if (images.length > 0 && box.length === 4) onChange({ frames: images, box });
  };
  const take = async (files: readonly File[]) => {
    const inOrder = [...files].sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
    const images: ImageValue[] = [];
    for (const file of inOrder) images.push(await readFile(file, field));
    setFrames(images);
    give(images, text);
  };
  return (
    <>
      <div className="field wide">
        <label className="button quiet">
          {frames.length > 0 ? `${frames.length} frames` : "Choose the frames"}
          <input
            className="hidden"
            type="file"
            accept="image/*"
            multiple
            onChange={({ target }) => {
              setProblem(undefined);
              take([...(target.files ?? [])]).catch((error: Error) => setProblem(error.message));
            }}
          />
        </label>
        <small>{`numbered in order; they are brought to ${field.size[1]} × ${field.size[0]} pixels`}</small>
        <Problem text={problem} />
      </div>
      {field.boxed && (
        <label className="field wide">
          <span>Box in the first frame: x, y, width and height in pixels</span>
          <input
            value={text}
            required
            inputMode="decimal"
            pattern="\s*[\d.]+([\s,;]+[\d.]+){3}\s*"
            title="four numbers with spaces between them"
            placeholder="40 30 28 28"
            onChange={({ target }) => {
              setText(target.value);
              give(frames, target.value);
            }}
          />
        </label>
      )}
    </>
  );
}

/** Samples a second that what a browser decodes is brought to. */
const RATE = 16_000;

/** A recording as one channel. @throws where the browser cannot decode it */
async function readSound(file: Blob): Promise<SoundValue> {
  const bytes = await file.arrayBuffer();
  const heard = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(bytes);
  const channels = Array.from({ length: heard.numberOfChannels }, (_, index) => heard.getChannelData(index));
  const samples = Float32Array.from(
    { length: heard.length },
    (_, at) => channels.reduce((sum, channel) => sum + channel[at]!, 0) / channels.length,
  );
  return { rate: RATE, samples: toBase64(new Uint8Array(samples.buffer)) };
}

/** A file of sound, or what a microphone hears. */
function SoundControl({ field, onChange }: Omit<Control<"sound">, "value">) {
  const [problem, setProblem] = useState<string>();
  const [heard, setHeard] = useState<string>();
  const [recorder, setRecorder] = useState<MediaRecorder>();
  const take = (file: Blob) => {
    setProblem(undefined);
    setHeard((before) => {
      if (before) URL.revokeObjectURL(before);
      return URL.createObjectURL(file);
    });
    readSound(file).then(onChange, () => setProblem("the browser cannot decode this file; give a WAV file."));
  };
  const record = async () => {
    if (recorder) return recorder.stop();
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      const started = new MediaRecorder(stream);
      const parts: Blob[] = [];
      started.ondataavailable = ({ data }) => parts.push(data);
      started.onstop = () => {
        for (const track of stream.getTracks()) track.stop();
        setRecorder(undefined);
        take(new Blob(parts, { type: started.mimeType }));
      };
      started.start();
      setRecorder(started);
    } catch (error) {
      setProblem(`there is no microphone to hear with (${(error as Error).message}); give a file.`);
    }
  };
  return (
    <div className="field wide">
      <span>{field.title}</span>
      <div className="row">
        <label className="button quiet">
          Choose a recording
          <input
            className="hidden"
            type="file"
            accept="audio/*"
            onChange={({ target }) => target.files?.[0] && take(target.files[0])}
          />
        </label>
        <button type="button" className="quiet" aria-pressed={recorder !== undefined} onClick={record}>
          {recorder ? "Stop" : "Record"}
        </button>
        {/* biome-ignore lint/a11y/useMediaCaption: what is said in it is what the model is asked. */}
        {heard && <audio controls src={heard} />}
      </div>
      <small>{`at most ${Math.round(field.longest)} seconds`}</small>
      <Problem text={problem} />
    </div>
  );
}

/** What people give a field with. */
export function FieldControl({
  field,
  value,
  list,
  onChange,
}: {
  readonly field: Field;
  readonly value: FieldValue | undefined;
  /** The id of suggestions for a text. */
  readonly list?: string;
  readonly onChange: (value: FieldValue) => void;
}) {
  if (field.kind === "image") return <ImageControl field={field} onChange={onChange} />;
  if (field.kind === "film") return <FilmControl field={field} onChange={onChange} />;
  if (field.kind === "clip") return <ClipControl field={field} onChange={onChange} />;
  if (field.kind === "sound") return <SoundControl field={field} onChange={onChange} />;
  if (field.kind === "bits")
    return (
      <div className="field wide">
        <span>{field.title}</span>
        <BitsControl field={field} value={value} onChange={onChange} />
      </div>
    );
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: what stands in it is the control.
    <label className="field wide">
      <span>{field.title}</span>
      {field.kind === "text" && (
        <input
          value={typeof value === "string" ? value : ""}
          required
          placeholder={field.placeholder}
          list={list}
          onChange={({ target }) => onChange(target.value)}
        />
      )}
      {field.kind === "numbers" && <NumbersControl field={field} value={value} onChange={onChange} />}
      {field.kind === "choice" && (
        <select
          value={typeof value === "string" ? value : field.of[0]}
          onChange={({ target }) => onChange(target.value)}
        >
          {field.of.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      )}
    </label>
  );
}

/** What a field holds before people change it. */
export const firstValue = (field: Field): FieldValue | undefined =>
  field.kind === "choice"
    ? field.of[0]
    : field.kind === "bits"
      ? Array.from({ length: Math.min(FIRST_ROWS, field.longest) }, (_, row) =>
          Array.from({ length: field.width }, (__, bit) => ((row * 7 + bit * 3) % 5 < 2 ? 1 : 0)),
        )
      : undefined;
