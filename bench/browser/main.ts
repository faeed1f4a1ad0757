// What the page of the benchmark offers to the program that drives it: Regard in a worker, and its peers.
type Answer = Record<string, unknown>;

const ask = (worker: Worker, question: unknown): Promise<Answer> =>
  new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage(question);
  });

const regard = new Worker(new URL("./regard-worker.ts", import.meta.url), { type: "module" });
type Steps = (steps: number) => Promise<unknown>;
const peers: Record<
  string,
  () => Promise<{ preparePeer(tensors: unknown, threads: number): Promise<Steps> }>
> = {
  tfjs: () => import("../peers/tfjs/page.js"),
  "jax-js": () => import("../peers/jax-js/page.js"),
};
const prepared = new Map<string, Steps>();

Object.assign(globalThis, {
  /** Milliseconds to load the graph; the peers that are named are made ready as well. */
  async prepare(work: string, threads: number, names: readonly string[]) {
    const { tensors, loadMs } = await ask(regard, { prepare: work, threads });
    for (const name of names) prepared.set(name, await (await peers[name]!()).preparePeer(tensors, threads));
    return loadMs;
  },
  runRegard: (steps: number) => ask(regard, { run: steps }),
  runPeer: (name: string, steps: number) => prepared.get(name)!(steps),
});
