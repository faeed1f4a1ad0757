import type { KoffiFunc, LibraryHandle } from "koffi";
import { RegardError, type TypedArray } from "../core/index.js";
import type { Group } from "./group.js";

/** A function of the library, which answers with 0 or an error. */
type Callee = KoffiFunc<(...values: unknown[]) => number>;

/** A group of processes that a launcher of MPI started. */
export interface MpiGroup extends Group {
  /** Takes leave of the others, when all is done. */
  leave(): void;
  /** Ends all processes of the group. */
  abort(code: number): void;
}

const numberOf = (...names: string[]): number | undefined => {
  const found = names.map((name) => process.env[name]).find((value) => value !== undefined);
  return found === undefined ? undefined : Number(found);
};

/**
 * What a launcher says of this process: which of how many it is, and how many are on this machine; undefined where it was
 * started by itself. Open MPI's mpirun, MPICH's and Slurm's srun are known.
 */
export function launched(): { size: number; rank: number; here: number } | undefined {
  const size = numberOf(
    "OMPI_COMM_WORLD_SIZE",
    "PMI_SIZE",
    ...(process.env.PMIX_RANK === undefined ? [] : ["SLURM_NTASKS"]),
  );
  if (size === undefined || !(size > 1)) return undefined;
  return {
    size,
    rank: numberOf("OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK") ?? 0,
    here: numberOf("OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "SLURM_TASKS_PER_NODE") || size,
  };
}

/** Names under which systems keep the library of MPI: of Open MPI, of MPICH and its relatives, and of whichever is the usual one. */
const OPEN_MPI = ["libmpi.so.40"];
const MPICH = ["libmpich.so.12", "libmpi.so.12"];
const USUAL = ["libmpi.so", "libmpi.dylib"];

/** `MPI_THREAD_SERIALIZED`, the same everywhere: calls come from any thread, one at a time. */
const SERIALIZED = 2;

/** Bytes of stack for a call. */
const STACK = 2 ** 22;

/** Bytes of one message; a count must fit 31 bits. */
const MOST = 2 ** 30;

/** What differs between Open MPI, whose handles are addresses of the library, and MPICH, whose handles are numbers. */
function handlesOf(library: LibraryHandle) {
  const open = (name: string) => library.symbol(name);
  try {
    return {
      type: "void *",
      inPlace: 1,
      world: open("ompi_mpi_comm_world"),
      sum: open("ompi_mpi_op_sum"),
      byte: open("ompi_mpi_byte"),
      float32: open("ompi_mpi_float"),
      float64: open("ompi_mpi_double"),
    };
  } catch {
    return {
      type: "int",
      inPlace: -1,
      world: 0x44000000,
      sum: 0x58000003,
      byte: 0x4c00010d,
      float32: 0x4c00040a,
      float64: 0x4c00080b,
    };
  }
}

/**
 * Joins the group that a launcher started this process in.
 * @throws RegardError where no library of MPI can be loaded, or another than the launcher's
 */
export async function joinMpi(): Promise<MpiGroup> {
  const { size } = launched()!;
  const { default: koffi } = await import("koffi");
  // MPICH needs more than the 128 KiB that a call on a thread beside has otherwise.
  koffi.config({ ...koffi.config(), async_stack_size: STACK });
  const asked = process.env.REGARD_MPI;
  const known = process.env.PMI_SIZE === undefined ? [...OPEN_MPI, ...MPICH] : [...MPICH, ...OPEN_MPI];
  const names = asked === undefined ? [...known, ...USUAL] : [asked];
  let library: LibraryHandle | undefined;
  for (const name of names) {
    try {
      // Open MPI loads parts of itself that look for what it has loaded.
      library = koffi.load(name, { global: true });
      break;
    } catch {}
  }
  if (!library)
    throw new RegardError(
      `this is one of ${size} processes that train together, but no library of MPI can be loaded (${names.join(", ")}); install Open MPI or MPICH, or name its library with REGARD_MPI=/path/to/libmpi.so.`,
    );
  const handles = handlesOf(library);
  const { type, world } = handles;
  const call = (name: string, ...parameters: string[]): Callee => library.func(name, "int", parameters);
  const checked = (code: number) => {
    if (code !== 0) throw new RegardError(`MPI answers with error ${code}; start the processes anew.`);
  };
  const number = (name: string): number => {
    const found = [0];
    checked(call(name, type, "_Out_ int *")(world, found));
    return found[0]!;
  };
  checked(call("MPI_Init_thread", "void *", "void *", "int", "_Out_ int *")(null, null, SERIALIZED, [0]));
  const found = number("MPI_Comm_size");
  if (found !== size)
    throw new RegardError(
      `${size} processes were started to train together, but the library of MPI sees ${found}: it is another MPI's than the launcher; name the launcher's own with REGARD_MPI=/path/to/libmpi.so.`,
    );
  const allreduce = call("MPI_Allreduce", "void *", "void *", "int", type, type, type);
  const broadcast = call("MPI_Bcast", "void *", "int", type, "int", type);
  /** Calls on a thread beside, so that signals are heard while others are waited for. */
  const waited = (callee: Callee, ...values: unknown[]) =>
    new Promise<void>((resolve, reject) => {
      callee.async(...values, (error: Error | null, code: number) => {
        try {
          if (error) throw error;
          checked(code);
          resolve();
        } catch (problem) {
          reject(problem);
        }
      });
    });
  const element = (values: TypedArray) => {
    if (values instanceof Float32Array) return handles.float32;
    if (values instanceof Float64Array) return handles.float64;
    throw new RegardError("only floating-point numbers are added up over processes.");
  };
  return {
    size,
    rank: number("MPI_Comm_rank"),
    async sum(values) {
      const most = MOST / values.BYTES_PER_ELEMENT;
      for (let start = 0; start < values.length; start += most) {
        const part = values.subarray(start, start + most);
        await waited(allreduce, handles.inPlace, part, part.length, element(values), handles.sum, world);
      }
    },
    async spread(values) {
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      for (let start = 0; start < bytes.length; start += MOST) {
        const part = bytes.subarray(start, start + MOST);
        await waited(broadcast, part, part.length, handles.byte, 0, world);
      }
    },
    leave: () => checked(call("MPI_Finalize")()),
    abort: (code) => void call("MPI_Abort", type, "int")(world, code),
  };
}
