// Compiles the kernels from AssemblyScript to WebAssembly, each as a module that holds the bytes: the same ones in Node, in a tab
// and in the package. Does nothing where they are of this source and compiler.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { root } from "./setup.mjs";

/** Sources in `kernels/`, and the modules that hold what becomes of them. */
const KERNELS = {
  optimizer: "src/train/kernels.generated.ts",
  "skip-gram": "src/models/2013-mikolov-skip-gram/kernel.generated.ts",
  glove: "src/models/2014-pennington-glove/kernel.generated.ts",
};
const OPTIONS = [
  ...["-O3", "--noAssert", "--runtime", "stub", "--enable", "simd"],
  // What they work on lies in a memory that is made for it.
  ...["--importMemory", "--noExportMemory"],
];

const { version } = JSON.parse(readFileSync(`${root}node_modules/assemblyscript/package.json`, "utf8"));
for (const [name, target] of Object.entries(KERNELS)) {
  const file = `kernels/${name}.ts`;
  const source = readFileSync(root + file, "utf8");
  const made = createHash("sha256")
    .update([version, ...OPTIONS, source].join("\n"))
    .digest("hex");
  const head = `// Made by scripts/kernels.mjs from ${file}, ${made}\n`;
  if (existsSync(root + target) && readFileSync(root + target, "utf8").startsWith(head)) continue;
  const { main } = await import("assemblyscript/asc");
  let bytes;
  const { error, stderr } = await main(["kernel.ts", ...OPTIONS, "--outFile", "kernel.wasm"], {
    readFile: (name) => (name.endsWith("kernel.ts") ? source : null),
    writeFile: (_, contents) => {
      bytes = contents;
    },
    listFiles: () => [],
  });
  if (error || !bytes) {
    console.error(`regard: ${file} does not compile: ${error?.message}\n${stderr.toString()}`);
    process.exit(1);
  }
  writeFileSync(
    root + target,
    `${head}export const kernelBytes = Uint8Array.of(\n  ${[...bytes].join(", ")},\n);\n`,
  );
}
