/** A stretch of bytes that WebAssembly and typed arrays share. */
export interface WebAssemblyMemory {
  readonly buffer: ArrayBuffer;
}

/** What WebAssembly is called by here; the types of Node have none of it. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly env: { readonly memory: WebAssemblyMemory } },
  ) => { readonly exports: unknown };
  readonly Memory: new (pages: { readonly initial: number; readonly maximum: number }) => WebAssemblyMemory;
};

const PAGE = 65_536;

/** Bytes that a 32-bit address reaches: 4 GiB. */
export const MOST_BYTES = 2 ** 32;

/** A memory that never grows, since that would take it away from arrays over it. @throws RangeError where there is no room */
export function memoryOf(bytes: number): WebAssemblyMemory {
  const pages = Math.max(1, Math.ceil(bytes / PAGE));
  return new WebAssembly.Memory({ initial: pages, maximum: pages });
}

const modules = new Map<Uint8Array, object>();

/** The functions of a module over a memory. They are compiled once. */
export function functionsOver<Functions>(bytes: Uint8Array, memory: WebAssemblyMemory): Functions {
  const module = modules.get(bytes) ?? new WebAssembly.Module(bytes);
  modules.set(bytes, module);
  return new WebAssembly.Instance(module, { env: { memory } }).exports as Functions;
}
