import { describe, expect, test } from "vitest";
import { readRecord, readRun, readStateFile } from "./run-files.js";

const run = {
  regard: "0.1.0",
  node: "v20.19.0",
  created: "2026-01-01T00:00:00.000Z",
  settings: {
    model: "lstm",
    configuration: {},
    data: "copy",
    seed: 3,
    optimizer: { name: "adam" },
    learningRate: 0.003,
    schedule: { name: "constant" },
    budget: { steps: 7 },
  },
};
const without = (name: keyof typeof run.settings) => {
  const { [name]: _, ...settings } = run.settings;
  return JSON.stringify({ ...run, settings });
};
const prepared = JSON.stringify({ rule: "copy" });
const REMEDY = "; put it back from a copy of the run, or train again in a new folder.";

test("a whole run is read", () => {
  const found = readRun({ run: JSON.stringify(run), prepared }, (file) => file);
  expect(found.settings).toMatchObject({ model: "lstm", seed: 3, batch: 64 });
  expect(found.task.id).toBe("bit-sequences");
});

describe("what is wrong with a damaged file of a run is said in one sentence", () => {
  test.each<[string, string, string, string]>([
    ["nothing", "", prepared, `w/run.json is no whole JSON (Unexpected end of JSON input)${REMEDY}`],
    ["null", "null", prepared, `w/run.json is null but must be an object${REMEDY}`],
    ["a list", "[]", prepared, `w/run.json is a list but must be an object${REMEDY}`],
    [
      "no budget",
      without("budget"),
      prepared,
      `w/run.json "settings.budget" is missing but must be an object${REMEDY}`,
    ],
    [
      "an optimizer that there is not",
      JSON.stringify({ ...run, settings: { ...run.settings, optimizer: { name: "adamx" } } }),
      prepared,
      `w/run.json "settings.optimizer.name" is adamx but must be one of adam, adamw, sgd, adadelta, rmsprop, adagrad${REMEDY}`,
    ],
    [
      "what was prepared for another task",
      JSON.stringify(run),
      "null",
      `w/vocabulary.json: the run holds no rule that sequences of bits follow; it is of another task${REMEDY}`,
    ],
    [
      "what was prepared cut short",
      JSON.stringify(run),
      '{"ru',
      `w/vocabulary.json is no whole JSON (Unterminated string in JSON at position 4)${REMEDY}`,
    ],
  ])("%s", (_, text, task, message) => {
    expect(() => readRun({ run: text, prepared: task }, (file) => `w/${file}`)).toThrow(message);
  });

  test("a model that there is not", () => {
    const text = JSON.stringify({ ...run, settings: { ...run.settings, model: "lsmt" } });
    expect(() => readRun({ run: text, prepared }, (file) => `w/${file}`)).toThrow(
      /^w\/run\.json: there is no model called "lsmt"; choose one of lstm, /,
    );
  });
});

test("lines of records and states that are damaged are left out", () => {
  expect(
    readRecord('{"step":2,"seconds":1}\nnull\n7\n{"step":"3"}\n\n{"step":5,"seconds":2}\n{"step":7,"se'),
  ).toEqual([
    { step: 2, seconds: 1 },
    { step: 5, seconds: 2 },
  ]);
  for (const text of ["", "{", "null", '{"state":"flying","pid":3}'])
    expect(readStateFile(text)).toBeUndefined();
  expect(readStateFile('{"state":"done","pid":-1}')).toEqual({ state: "done", pid: -1 });
});
