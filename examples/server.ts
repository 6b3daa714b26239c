/**
 * An HTTP server that answers predictions of one model while it trains a second one in the same process, on all cores.
 * POST /predict with a JSON array of 784 numbers (0 … 255) → { digit, logits }. GET /status → how far the training is.
 *
 *   npm run server -- [--port 8080] [--epochs 5] [--rows 60000] [--once]
 *
 * --once asks itself while it trains, prints how long the answers took, and ends.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { Adam, CrossEntropyLoss, Linear, ReLU, Rescale, Flatten, Sequential, Trainer, accuracy, array, type Progress } from 'lanewise';
import { mnist } from './support/mnist.js';
import { askRepeatedly, percentile } from './support/ask.js';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8080' },
    epochs: { type: 'string', default: '5' },
    rows: { type: 'string', default: '60000' },
    once: { type: 'boolean', default: false },
  },
});

const train = await mnist('train', Number(values.rows));
const test = await mnist('test', 10000);

// The model that serves: small and trained first.
const network = new Sequential([new Rescale(1 / 255), new Flatten(), new Linear(128), new ReLU(), new Linear(10)], { seed: 1 });
await new Trainer(network, { loss: new CrossEntropyLoss(), optimizer: new Adam() }).fit(train, { epochs: 1, batchSize: 128 });

async function digitOf(request: IncomingMessage): Promise<{ digit: number; logits: number[] }> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const pixels: unknown = JSON.parse(Buffer.concat(chunks).toString());
  if (!Array.isArray(pixels) || pixels.length !== 784) throw new RangeError('expected a JSON array of 784 numbers');
  const { data } = await network.predict(array(Float32Array.from(pixels as number[]), [1, 28, 28, 1]));
  return { digit: data.indexOf(Math.max(...data)), logits: [...data] };
}

let progress: Progress | undefined;
const server = createServer((request, response) => {
  const answer = (status: number, body: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  if (request.method === 'POST' && request.url === '/predict') {
    digitOf(request).then(
      (result) => answer(200, result),
      (error: unknown) => answer(400, { error: String(error) }),
    );
  } else {
    answer(200, progress ?? { training: 'done' });
  }
});
await new Promise<void>((resolve) => server.listen(values.once ? 0 : Number(values.port), '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo;
console.log(`answering on http://127.0.0.1:${port}/predict while a second model trains`);

// The model that learns meanwhile.
const learning = new Sequential(
  [new Rescale(1 / 255), new Flatten(), new Linear(512), new ReLU(), new Linear(512), new ReLU(), new Linear(10)],
  { seed: 2 },
);
const trainer = new Trainer(learning, { loss: new CrossEntropyLoss(), optimizer: new Adam(), metrics: [accuracy()] });
const done = new AbortController();
const asked = values.once ? askRepeatedly(port, test.x, done.signal) : undefined;
const begin = performance.now();
await trainer.fit(train, { epochs: Number(values.epochs), batchSize: 128, onProgress: (p) => (progress = p) });
progress = undefined;
console.log(
  `trained in ${((performance.now() - begin) / 1000).toFixed(1)} s; test accuracy ${((await trainer.evaluate(test)).accuracy! * 100).toFixed(2)} %`,
);
if (asked !== undefined) {
  done.abort();
  const times = await asked;
  console.log(
    `${times.length} answers while training: median ${percentile(times, 0.5).toFixed(1)} ms, p99 ${percentile(times, 0.99).toFixed(1)} ms`,
  );
  server.close();
}
