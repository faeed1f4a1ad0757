import { createElement } from "react";
import { UsageError } from "../../core/index.js";
import { decodingText } from "../../decode/index.js";
import { examplesOfSplit } from "../../service/index.js";
import { openSubject } from "../../service/runs.node.js";
import { taskOfModel } from "../../task/index.js";
import { RunFolder, writeAtomically } from "../../train/run-folder.node.js";
import { DiagnosisReport, pageOf } from "../../views/index.js";
import { backendFor } from "../backend.js";
import {
  type CommandDefinition,
  type CommonOptions,
  define,
  fileOf,
  number,
  print,
  warn,
  withBeam,
} from "../command.js";
import { status } from "../terminal.js";

interface DiagnoseOptions extends CommonOptions {
  readonly split: string;
  readonly examples: number;
  readonly beam: number;
  readonly html?: string;
  readonly device: string;
}

/** Images that the text shows of each kind of mistake. */
const SHOWN = 5;

export const diagnoseCommand: CommandDefinition = (program) => {
  withBeam(
    define(
      program,
      "diagnose <run>",
      "group a captioner's mistakes by why they are wrong: looked elsewhere, named wrongly, left out, made up",
      ["diagnose runs/captions", "diagnose runs/captions --split test-more --html mistakes.html"],
    ),
  )
    .option("--split <name>", "test, another split of the data, or validation", "test")
    .option("--examples <n>", "images that are captioned at most", number, 500)
    .option(
      "--html <file>",
      "write a page with the worst mistakes, each with its map",
      fileOf("--html", "html"),
    )
    .option("--device <name>", "cpu, webgpu or wasm", "cpu")
    .action(diagnose);
};

async function diagnose(path: string, options: DiagnoseOptions): Promise<void> {
  if (!Number.isSafeInteger(options.examples) || options.examples < 1)
    throw new UsageError(`--examples is ${options.examples} but must be a whole number from 1.`);
  const { model } = (await RunFolder.open(path)).settings;
  if (!taskOfModel(model).diagnose)
    throw new UsageError(
      `model ${model} writes no captions; regard diagnose takes models that do, and regard explain takes any.`,
    );
  const { subject, data } = await openSubject(path, { backend: await backendFor(options.device), warn });
  const images = examplesOfSplit(await data(), options.split).slice(0, options.examples);
  const diagnosis = await subject.diagnose(images, options.split, {
    beam: options.beam,
    onProgress: (done) => status(`${done} of ${images.length} captioned`),
  });
  status();
  await subject.release();
  const title = `Mistakes of ${model} on ${options.split}`;
  if (options.html) {
    await writeAtomically(options.html, pageOf(title, createElement(DiagnosisReport, { diagnosis })));
    warn(`Written: ${options.html}`);
  }
  const share = ((100 * diagnosis.wrong) / Math.max(1, diagnosis.examples)).toFixed(1);
  const lines = [
    `${diagnosis.wrong} of ${diagnosis.examples} captions have a mistake (${share} %), ${diagnosis.by === "gold" ? "by what is in the images" : "by the captions that people gave"}.`,
    `Each caption is ${decodingText(diagnosis.decoding)}.`,
  ];
  for (const { kind, title: heading, images: count } of diagnosis.kinds) {
    if (count === 0) continue;
    lines.push("", `${heading}: ${count} ${count === 1 ? "image" : "images"}`);
    const shown = diagnosis.images.filter(({ mistakes }) =>
      mistakes.some((mistake) => mistake.kind === kind),
    );
    for (const { index, output, mistakes, references } of shown.slice(0, SHOWN)) {
      lines.push(`  ${options.split}:${index}  ${output}`);
      for (const mistake of mistakes) if (mistake.kind === kind) lines.push(`      ${mistake.sentence}`);
      lines.push(`      for example: ${references[0]}`);
    }
  }
  print(options, diagnosis, lines.join("\n"));
}
