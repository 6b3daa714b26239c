/** Starts a fit that would never end, and says so; with 'exit', 'abort' or 'interrupt' (SIGINT) ends it that way. */
import { parentPort } from 'node:worker_threads';
import { Adam, CrossEntropyLoss, Linear, ReLU, Sequential, Trainer } from '../../lib/index.js';
import { classProblem } from './problems.js';

const how = parentPort === null ? process.argv[2] : 'wait';
const abort = new AbortController();
const trainer = new Trainer(new Sequential([new Linear(128), new ReLU(), new Linear(10)]), {
  loss: new CrossEntropyLoss(),
  optimizer: new Adam(),
});
let running = false;
const fit = trainer.fit(classProblem(2000, 64, 10), {
  epochs: 1e9,
  batchSize: 16,
  signal: abort.signal,
  onProgress: () => {
    if (running) return;
    running = true;
    parentPort?.postMessage('running');
    if (how === 'exit') {
      console.log('exiting');
      process.exit();
    }
    if (how === 'abort') abort.abort();
    if (how === 'interrupt') process.kill(process.pid, 'SIGINT');
  },
});
await fit.catch(() => console.log('aborted'));
