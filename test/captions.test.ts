import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Random } from "../src/core/index.js";
import { lower } from "../src/onnx/index.js";
import { constant, input, matmul, reduceMean, relu, reshape, transpose, windows } from "../src/ops/index.js";
import { regard, spawned } from "./command.js";

// The command line for captions, on a folder of images as a user has them.

let folder: string;
let data: string;
let soft: string;
let none: string;
const tiny = ["--set", "features=16", "--set", "embedding=16", "--set", "hidden=16", "--batch", "16"];
const train = (model: string, out: string, ...options: readonly string[]) =>
  regard([
    "train",
    model,
    "--data",
    data,
    "--image-size",
    "64",
    "--out",
    out,
    "--steps",
    "6",
    ...tiny,
    ...options,
  ]);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regard-images-"));
  data = join(folder, "scenes");
  const made = await regard(["data", "make", "scenes", "--out", data, "--limit", "24", "--json"]);
  expect(made.code, made.err).toBe(0);
  expect(JSON.parse(made.out).splits).toEqual({
    train: 24,
    val: 24,
    test: 24,
    "test-combinations": 24,
    "test-more": 24,
  });
  soft = join(folder, "soft");
  none = join(folder, "none");
  for (const [model, run] of [
    ["show-attend-tell", soft],
    ["show-and-tell", none],
  ] as const) {
    const { code, err } = await train(model, run, "--validate-every", "3");
    expect(code, err).toBe(0);
  }
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const photograph = async (name: string): Promise<string> => {
  const file = join(folder, name);
  await sharp({ create: { width: 90, height: 60, channels: 3, background: "#c03020" } })
    .jpeg()
    .toFile(file);
  return file;
};

describe("a captioner", () => {
  test("trains, and its run says how its images are read", async () => {
    const run = JSON.parse(await readFile(join(soft, "run.json"), "utf8"));
    expect(run.settings).toMatchObject({ model: "show-attend-tell", images: { size: [64, 64] }, batch: 16 });
    expect(run.settings.optimizer).toMatchObject({ name: "adamw", decay: 0.05 });
    const other = JSON.parse(await readFile(join(none, "run.json"), "utf8"));
    expect(other.settings).toMatchObject({ learningRate: 0.001, optimizer: { name: "adam" } });
    expect(Object.keys(JSON.parse(await readFile(join(soft, "vocabulary.json"), "utf8")))).toEqual([
      "target",
    ]);
    const lines = (await readFile(join(soft, "metrics.jsonl"), "utf8")).trim().split("\n");
    // The captions of a folder of images do not say what is in them, so they are compared with what people wrote.
    expect(JSON.parse(lines[0]!).validation).toMatchObject({
      loss: expect.any(Number),
      bleu: expect.any(Number),
    });
    const [trace] = (await readFile(join(soft, "traces.jsonl"), "utf8")).trim().split("\n");
    expect(JSON.parse(trace!).traces[0].places.source).toMatchObject({ kind: "grid", rows: 8, columns: 8 });
  });

  test("one seed fixes it to the byte, stopped and resumed or not, hard attention too", async () => {
    const newest = async (run: string) => {
      const names = (await readdir(run)).filter((name) => name.startsWith("checkpoint-")).sort();
      return readFile(join(run, names.at(-1)!));
    };
    const [once, twice] = [join(folder, "once"), join(folder, "twice")];
    const hard = ["--set", "attention=hard", "--seed", "5", "--validate-every", "3"];
    expect((await train("show-attend-tell", once, ...hard)).code).toBe(0);
    const stopped = await spawned(
      [
        ...[
          "train",
          "show-attend-tell",
          "--data",
          data,
          "--image-size",
          "64",
          "--out",
          twice,
          ...tiny,
          ...hard,
        ],
        ...["--steps", "6"],
      ],
      /step 3 /,
    );
    expect([0, 130]).toContain(stopped.code);
    if (stopped.code === 130) expect((await regard(["train", "--resume", twice])).code).toBe(0);
    expect((await newest(twice)).equals(await newest(once))).toBe(true);
  }, 60_000);

  test("sees an image from a file, and draws where it looked", async () => {
    const image = await photograph("photo.jpg");
    const files = ["a.svg", "a.png", "a.html", "moving.svg", "path.svg"].map((name) => join(folder, name));
    const [svg, png, html, moving, path] = files as [string, string, string, string, string];
    const { code, out, err } = await regard([
      ...["see", soft, image, "--json", "--svg", svg, "--png", png, "--html", html],
      ...["--animation", moving, "--path", path, "--map", "grid"],
    ]);
    expect(code, err).toBe(0);
    const { output, traces } = JSON.parse(out);
    expect(typeof output).toBe("string");
    const [{ kind, words, weights, grid, image: drawn }] = traces;
    expect(kind).toBe("spatial");
    expect(grid).toEqual({ rows: 8, columns: 8 });
    expect(weights).toHaveLength(words.length);
    for (const step of weights)
      expect(step.flat().reduce((a: number, b: number) => a + b, 0)).toBeCloseTo(1, 4);
    expect(drawn.url).toMatch(/^data:image\/png;base64,/);
    for (const file of files) expect((await stat(file)).size).toBeGreaterThan(1000);
    expect(await readFile(moving, "utf8")).toContain("<animate");
    const text = await regard(["see", soft, image]);
    expect(text.out).toMatch(/[░▒▓█]{2}/);
  });

  test("draws the mechanics of a step, and says which ways and steps there are", async () => {
    const svg = join(folder, "mechanics.svg");
    const { code, out, err } = await regard([
      ...["see", soft, "test:3", "--svg", svg, "--view", "mechanics", "--step", "1"],
    ]);
    expect(code, err).toBe(0);
    // The products that are written out add up to what the model has.
    const sums = [...out.matchAll(/channel \d+: (.*) = (\S+)$/gm)];
    expect(sums).toHaveLength(4);
    for (const [, terms, sum] of sums) {
      const total = terms!
        .replaceAll("−", "-")
        .replace(/ \(\d+ more\)/, "")
        .split(" + ")
        .reduce((all, term) => all + term.split(" × ").reduce((product, one) => product * Number(one), 1), 0);
      expect(Math.abs(total - Number(sum!.replace("−", "-")))).toBeLessThan(0.02);
    }
    expect(await readFile(svg, "utf8")).toContain(">feature layer</text>");
    const wrong = async (...options: string[]) => (await regard(["see", soft, "test:3", ...options])).err;
    expect(await wrong("--view", "memory")).toBe(
      "regard: --view is memory, but what there is to see here can be drawn as maps, path, mechanics.\n",
    );
    expect(await wrong("--view", "mechanics", "--step", "99")).toMatch(
      /^regard: --step is 99 but the picture has the steps 1 to \d+\.\n$/,
    );
  });

  test("sees an example of its data by its number", async () => {
    const { code, out } = await regard(["see", soft, "test:3", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(out).references).toHaveLength(5);
  });

  test("draws the places of hard attention by a seed", async () => {
    const run = join(folder, "drawn");
    expect((await train("show-attend-tell", run, "--set", "attention=hard")).code).toBe(0);
    const seen = async (...options: readonly string[]) => {
      const { code, out, err } = await regard(["see", run, "test:1", "--json", ...options]);
      expect(code, err).toBe(0);
      return JSON.parse(out).traces[0].weights as number[][][];
    };
    const [one, again, other, likeliest] = [
      await seen("--sample", "3"),
      await seen("--sample", "3"),
      await seen("--sample", "4"),
      await seen(),
    ];
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
    for (const step of one) expect(step.flat().filter((weight) => weight === 1)).toHaveLength(1);
    expect(Math.max(...likeliest[0]!.flat())).toBeLessThan(1);
  }, 60_000);

  test("is exported as a file that sees what the run sees", async () => {
    const image = await photograph("again.jpg");
    const file = join(folder, "captioner.onnx");
    expect((await regard(["export", soft, "--out", file])).code).toBe(0);
    const [one, two] = await Promise.all(
      [soft, file].map(async (model) =>
        JSON.parse((await regard(["see", model, image, "--beam", "1", "--json"])).out),
      ),
    );
    // A caption that never ends is cut one word earlier by the file's loop, which has a fixed length.
    const begun = ({ output }: { output: string }) => output.split(" ").slice(0, 20);
    expect(begun(two)).toEqual(begun(one));
    const flat = (trace: { weights: number[][][] }) => trace.weights.slice(0, 20).flat(2);
    expect(flat(two.traces[0])).toBeAllClose(flat(one.traces[0]), 1e-5);
  });

  test("is scored, alone and beside another", async () => {
    const { code, out } = await regard(["evaluate", soft, "--json"]);
    expect(code).toBe(0);
    const { metrics, examples } = JSON.parse(out);
    expect(examples).toBe(24);
    for (const name of [
      "bleu1",
      "bleu4",
      "rougeL",
      "ciderD",
      "meteorExact",
      "perplexity",
      "attentionEntropy",
    ])
      expect(metrics[name], name).toBeGreaterThanOrEqual(0);
    const both = await regard(["evaluate", soft, none]);
    expect(both.out).toMatch(/ciderD +\d\.\d+ +\d\.\d+/);
  });

  test.each(["soft", "none"])("is explained, with attention or without (%s)", async (which) => {
    const image = await photograph(`${which}.jpg`);
    const page = join(folder, `${which}.html`);
    const { code, out, err } = await regard([
      "explain",
      which === "soft" ? soft : none,
      image,
      "--json",
      "--html",
      page,
    ]);
    expect(code, err).toBe(0);
    const { scores, words, grid } = JSON.parse(out);
    expect(Object.keys(scores)).toEqual(which === "soft" ? ["attention", "salience", "effect"] : ["effect"]);
    expect(scores.effect).toHaveLength(words.length);
    expect(grid).toEqual({ rows: 8, columns: 8 });
    expect(await readFile(page, "utf8")).toContain("covered with its mean");
  });

  test("is explained in the caption that see shows, with scores in the unit that is named", async () => {
    const captions: string[] = [];
    for (const [image, beam] of [
      ["test:3", "1"],
      ["test:3", "4"],
      [await photograph("explained.jpg"), "7"],
    ] as const) {
      const [seen, explained] = await Promise.all(
        ["see", "explain"].map(async (command) =>
          JSON.parse((await regard([command, soft, image, "--beam", beam, "--json"])).out),
        ),
      );
      expect(explained.output).toBe(seen.output);
      expect(explained.words).toEqual(seen.traces[0].words.filter((word: string) => word !== "(end)"));
      expect([seen.decoding, explained.decoding]).toEqual([{ beam: Number(beam) }, { beam: Number(beam) }]);
      const scores = seen.hypotheses.map(({ score }: { score: number }) => score);
      expect(scores).toEqual([...scores].sort((a, b) => b - a));
      explained.scores.attention.forEach((map: number[][], step: number) => {
        expect(map.flat()).toBeAllClose(seen.traces[0].weights[step].flat(), 1e-5);
      });
      captions.push(seen.output);
    }
    // Decodings that wrote the same would not be told apart by this test.
    expect(captions[0]).not.toBe(captions[1]);
    const picture = join(folder, "effect.svg");
    const { out } = await regard(["explain", soft, "test:3", "--method", "effect", "--svg", picture]);
    const { words, scores } = JSON.parse((await regard(["explain", soft, "test:3", "--json"])).out);
    const greatest: number[] = scores.effect.map((map: number[][]) => Math.max(...map.flat()));
    // Effects are differences of log-probabilities: places without which a word is likelier are below 0.
    expect(Math.min(...scores.effect.flat(2))).toBeLessThan(0);
    const drawn = await readFile(picture, "utf8");
    words.forEach((word: string, step: number) => {
      expect(out).toContain(greatest[step]!.toFixed(3));
      expect(drawn).toContain(
        `<title>${word.replace("<", "&lt;").replace(">", "&gt;")}: ${greatest[step]!.toFixed(3)} nats at the place`,
      );
    });
    expect(out).toContain("the number below its word, in nats.");
  }, 120_000);

  test("is diagnosed: what is wrong, by what people wrote", async () => {
    const page = join(folder, "mistakes.html");
    const { code, out, err } = await regard(["diagnose", soft, "--json", "--html", page]);
    expect(code, err).toBe(0);
    const { by, wrong, examples, kinds, images } = JSON.parse(out);
    expect(by).toBe("references");
    expect(examples).toBe(24);
    expect(images).toHaveLength(wrong);
    expect(kinds.map(({ kind }: { kind: string }) => kind)).toEqual([
      "wrong place",
      "wrong name",
      "missed",
      "invented",
    ]);
    expect(await readFile(page, "utf8")).toContain("It left something out");
    expect((await regard(["diagnose", soft])).out).toMatch(/^\d+ of 24 captions have a mistake/);
  });
});

describe("an encoder that is not trained", () => {
  /** A small network with a grid and, after it, a layer that names the image. */
  async function network(name: string): Promise<string> {
    const random = new Random(1, "network");
    const weights = (shape: readonly number[]) =>
      constant(
        Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 0.3 * random.normal()),
        { dtype: "float32", shape },
      );
    const image = input("image", "float32", ["batch", 3, 64, 64]);
    const first = relu(
      matmul(windows(transpose(image, [0, 2, 3, 1]), 3, { stride: 4, padding: 1 }), weights([27, 5])),
    );
    const second = relu(matmul(windows(first, 3, { stride: 2, padding: 1 }), weights([45, 7])));
    const file = join(folder, name);
    await writeFile(
      file,
      lower({ classes: reduceMean(transpose(second, [0, 3, 1, 2]), { axes: [2, 3] }) }).bytes,
    );
    return file;
  }

  test("is read at its last grid, kept in the run, and used wherever the run is", async () => {
    const encoder = await network("network.onnx");
    const run = join(folder, "encoded");
    const { code, err } = await train("show-attend-tell", run, "--encoder", encoder);
    expect(code, err).toBe(0);
    expect(err).toMatch(/Images go through .*network\.onnx, of which ".+" is read: 8 × 8 × 7\./);
    await rm(encoder);
    const image = await photograph("encoded.jpg");
    const seen = await regard(["see", run, image, "--json"]);
    expect(seen.code, seen.err).toBe(0);
    expect(JSON.parse(seen.out).traces[0].grid).toEqual({ rows: 8, columns: 8 });
    expect((await regard(["evaluate", run])).code).toBe(0);
    expect((await regard(["train", "--resume", run, "--steps", "8"])).code).toBe(0);
    const file = join(folder, "encoded.onnx");
    expect((await regard(["export", run, "--out", file])).code).toBe(0);
    expect((await regard(["see", file, image])).err).toMatch(
      /reads what an encoder made of images, 8 × 8 × 7; give the run it was exported from\.$/m,
    );
  }, 60_000);

  test("without a grid, damaged, or of another layer is refused", async () => {
    const flat = join(folder, "flat.onnx");
    const image = input("image", "float32", ["batch", 3, 64, 64]);
    await writeFile(flat, lower({ y: reshape(image, ["batch", 3 * 64 * 64]) }).bytes);
    const broken = join(folder, "broken.onnx");
    await writeFile(broken, "no network");
    const good = await network("good.onnx");
    for (const [args, message] of [
      [["--encoder", flat], /"[^"]*flat\.onnx" has no spatial layer: none of its \d+ values? is/],
      [["--encoder", broken], /"[^"]*broken\.onnx" is damaged or no ONNX file/],
      [
        ["--encoder", join(folder, "gone.onnx")],
        /cannot read the encoder ".*gone\.onnx": there is no such file\./,
      ],
      [["--encoder", good, "--encoder-layer", "nowhere"], /has no value "nowhere"; its last are/],
      [["--encoder-layer", "x"], /--encoder-layer names a value of a network; give that with --encoder\./],
    ] as const) {
      const { code, err } = await train("show-attend-tell", join(folder, "refused"), ...args);
      expect(err.trimEnd()).toMatch(message);
      expect(code).toBe(2);
    }
  }, 60_000);
});

describe("used wrongly", () => {
  test.each<[string, () => Promise<string[]>, RegExp]>([
    [
      "data of another task",
      async () => ["train", "show-and-tell", "--data", "bilingual", "--out", join(folder, "x")],
      /"bilingual" holds pairs but the model takes captions; name "scenes", or your own data\.$/,
    ],
    [
      "scenes for a translator",
      async () => ["train", "rnnsearch", "--data", "scenes", "--out", join(folder, "x")],
      /"scenes" holds captions but the model takes pairs; name "bilingual" or "bilingual-es-en", or your own data/,
    ],
    [
      "an image size for a translator",
      async () => ["train", "rnnsearch", "--image-size", "64", "--out", join(folder, "x")],
      /--image-size, --augment, --encoder and --targets are for models that read images; leave them out\.$/,
    ],
    [
      "a change of images that there is not",
      async () => [
        "train",
        "show-and-tell",
        "--data",
        folder,
        "--augment",
        "crop,blur",
        "--out",
        join(folder, "x"),
      ],
      /--augment takes crop, shade, flip, but not "blur"\.$/,
    ],
    [
      "changes of scenes",
      async () => ["train", "show-and-tell", "--augment", "crop", "--out", join(folder, "x")],
      /--augment changes images that are read from files; there are as many scenes as training needs, so leave it out\.$/,
    ],
    [
      "an image size that is none",
      async () => ["train", "show-and-tell", "--image-size", "large", "--out", join(folder, "x")],
      /--image-size is "large" but should be pixels, such as 128, or 96x128, height first\.$/,
    ],
    [
      "another size than the embedded data has",
      async () => ["train", "show-and-tell", "--image-size", "32", "--out", join(folder, "x")],
      /the images are 64 × 64 but the model reads 32 × 32; leave out --image-size, or use other data\.$/,
    ],
    [
      "a file that is no image",
      async () => {
        const file = join(folder, "text.jpg");
        await writeFile(file, "no image");
        return ["see", soft, file];
      },
      /text\.jpg" cannot be read as an image \(.*\); give a JPEG, PNG, WebP, GIF, TIFF or AVIF file\.$/,
    ],
    [
      "an image that is not there",
      async () => ["see", soft, "gone.jpg"],
      /cannot read "gone\.jpg": there is no such image/,
    ],
    [
      "an example that is not there",
      async () => ["see", soft, "test:99"],
      /split "test" has 24 captioned images, so there is none with the number 99\.$/,
    ],
    [
      "gates of a captioner",
      async () => ["see", soft, "test:0", "--gates"],
      /--gates and --keep-unknown are for models that read text/,
    ],
    [
      "a picture without attention",
      async () => ["see", none, "test:0", "--svg", "x.svg"],
      /model show-and-tell has no attention to draw; regard explain shows what its words depend on\.$/,
    ],
    [
      "attention of a model without",
      async () => ["explain", none, "test:0", "--method", "attention"],
      /has no attention, so it has no attention; use --method effect\.$/,
    ],
    [
      "a picture of scores by objects where those are not known",
      async () => ["evaluate", soft, "--svg", join(folder, "x.svg")],
      /there is nothing to draw: .* does not say what is in its images/,
    ],
  ])("%s", async (_, args, message) => {
    const { code, err } = await regard(await args());
    expect(err.trimEnd()).toMatch(message);
    expect(code).toBe(2);
  });
});
