// What the page of the benchmark offers to the program that drives it: Regard in a worker, and a peer.
type Answer = Record<string, unknown>;

const ask = (worker: Worker, question: unknown): Promise<Answer> =>
  new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage(question);
  });

const regard = new Worker(new URL("./regard-worker.ts", import.meta.url), { type: "module" });
let peer: ((steps: number) => Promise<unknown>) | undefined;

Object.assign(globalThis, {
  async prepare(sizes: string, threads: number, withPeer: boolean) {
    const { tensors, loadMs } = await ask(regard, { prepare: sizes, threads });
    if (withPeer) {
      const { preparePeer } = await import("../peers/tfjs/page.js");
      peer = await preparePeer(tensors, threads);
    }
    return loadMs;
  },
  runRegard: (steps: number) => ask(regard, { run: steps }),
  runPeer: (steps: number) => peer!(steps),
});
