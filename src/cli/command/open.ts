import { drawable } from "../../views/index.js";
import { type CommandDefinition, define, print } from "../command.js";
import { openForeign } from "../open-file.js";
import { type SeeOptions, see, withSeeOptions } from "./see.js";

/** Letters of a name that is listed. */
const LONGEST = 100;

export const openCommand: CommandDefinition = (program) => {
  withSeeOptions(
    define(
      program,
      "open <file> [input]",
      "look into any .onnx file: what it reads, what it gives, where its attention is; with an input, what it attended to",
      [
        "open theirs.onnx",
        'open theirs.onnx "I love coffee" --tokenizer vocab.txt --png heads.png',
        'open theirs.onnx "I love coffee" --words --head layer.0:3 --svg head.svg',
        "open reader.onnx line.png --image-size 48x320 --html columns.html",
        'open theirs.onnx "101 1045 2293 4157 102"',
      ],
    ),
  ).action(async (path: string, input: string | undefined, options: SeeOptions) => {
    if (input !== undefined) return see(path, input, options);
    const subject = await openForeign(path, options);
    const { about } = subject;
    const name = (text: string) => drawable(text, LONGEST);
    const list = (lines: readonly string[]) =>
      lines.length > 0 ? lines.map((line) => `  ${line}`) : ["  nothing"];
    print(
      options,
      about,
      [
        `${name(about.file)}, written by ${name(about.producer)}, ${about.nodes} nodes`,
        "It reads",
        ...list(
          about.inputs.map((one) => `${name(one.name)}, ${one.type} ${name(one.shape)}: ${one.filled}`),
        ),
        "It gives",
        ...list(about.outputs.map((one) => `${name(one.name)}, ${one.type} ${name(one.shape)}`)),
        about.attention.length > 0
          ? "Its attention"
          : "No attention was found: no softmax is taken a sum of values by.",
        ...about.attention.map((one) => `  ${name(one.name)}: ${name(one.node)}`),
      ].join("\n"),
    );
    await subject.release();
  });
};
