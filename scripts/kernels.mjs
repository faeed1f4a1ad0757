// Compiles the optimizers' kernels from AssemblyScript to WebAssembly, as a module that holds the bytes: the same ones in
// Node, in a tab and in the package. Does nothing where they are of this source and compiler.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { root } from "./setup.mjs";

const SOURCE = `${root}kernels/optimizer.ts`;
const TARGET = `${root}src/train/kernels.generated.ts`;
const OPTIONS = [
  ...["-O3", "--noAssert", "--runtime", "stub", "--enable", "simd"],
  // Parameters lie in a memory that is made for them.
  ...["--importMemory", "--noExportMemory"],
];

const { version } = JSON.parse(readFileSync(`${root}node_modules/assemblyscript/package.json`, "utf8"));
const source = readFileSync(SOURCE, "utf8");
const made = createHash("sha256")
  .update([version, ...OPTIONS, source].join("\n"))
  .digest("hex");
const head = `// Made by scripts/kernels.mjs from kernels/optimizer.ts, ${made}\n`;
if (!existsSync(TARGET) || !readFileSync(TARGET, "utf8").startsWith(head)) {
  const { main } = await import("assemblyscript/asc");
  let bytes;
  const { error, stderr } = await main(["optimizer.ts", ...OPTIONS, "--outFile", "optimizer.wasm"], {
    readFile: (name) => (name.endsWith("optimizer.ts") ? source : null),
    writeFile: (_, contents) => {
      bytes = contents;
    },
    listFiles: () => [],
  });
  if (error || !bytes) {
    console.error(`regard: kernels/optimizer.ts does not compile: ${error?.message}\n${stderr.toString()}`);
    process.exit(1);
  }
  writeFileSync(
    TARGET,
    `${head}export const kernelBytes = Uint8Array.of(\n  ${[...bytes].join(", ")},\n);\n`,
  );
}
