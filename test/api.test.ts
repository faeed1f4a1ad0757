import { readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";

// The surface of the package is reviewed: what each entry point exports stands in docs/api.

interface Entry {
  readonly id: string;
  readonly name: string;
  readonly items: readonly {
    readonly name: string;
    readonly about?: string;
    readonly declaration?: string;
  }[];
}
const { surface, reportOf, reportFile } = await import(
  new URL("../site/surface.js", import.meta.url).href as string
);
const all: readonly Entry[] = surface();

test("what the package exports is what was reviewed; npm run api writes it anew", async () => {
  for (const entry of all) {
    const reviewed = await readFile(reportFile(entry), "utf8").catch(() => "");
    expect(
      reportOf(entry),
      `what ${entry.name} exports is not what docs/api/${entry.id}.txt has; npm run api writes it anew, to be read in git diff docs/api.`,
    ).toBe(reviewed);
  }
  const files = await readdir(new URL("../docs/api", import.meta.url));
  expect(files.sort(), "npm run api removes what is no entry point.").toEqual(
    all.map(({ id }) => `${id}.txt`).sort(),
  );
});

test("declarations are read as they are", () => {
  const { items } = all.find(({ name }) => name === "regard/train")!;
  const of = (name: string) => items.find((item) => item.name === name)!;
  expect(of("isOver").declaration).toMatch(/^function isOver\(trainer: .*, seconds: number\): boolean;$/);
  expect(of("trainingStep").about).toContain("gradient");
  expect(of("Fitted").declaration).toMatch(/^interface Fitted \{\n.*\n\}$/s);
  expect(of("StoredTensor")).toEqual({ name: "StoredTensor", kind: "type", from: "regard/core" });
  expect(all[0]!.items.map(({ name }) => name)).toContain("attention");
});
