/**
 * An HTTP server that answers predictions of one model while it trains a second one in the same process, on all cores.
 * POST /predict with a JSON array of 784 numbers in 0 … 255 → { digit, logits }. GET /status → how far the training is.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { performance } from 'node:perf_hooks';
import { Adam, CrossEntropyLoss, Linear, ReLU, Rescale, Flatten, Sequential, Trainer, accuracy, array, type Progress } from 'lanewise';
import { askRepeatedly, percentile } from './support/ask.js';
import { flags, wholeNumber } from './support/flags.js';
import { counts, mnist } from './support/mnist.js';

const values = flags('npm run server: an HTTP server that answers predictions of one model while it trains a second one', {
  port: ['8080', 'where it listens; 0 for any free port'],
  epochs: ['5', 'times the second model goes through all digits'],
  rows: [String(counts.train), 'read only so many digits to train on'],
  once: [false, 'ask itself while it trains, print how long the answers took, and end'],
});
const wantedPort = wholeNumber('port', values.port, 65535, 0);
const epochs = wholeNumber('epochs', values.epochs);

const train = await mnist('train', wholeNumber('rows', values.rows, counts.train));
const test = await mnist('test', counts.test);

// The model that serves: small and trained first.
const network = new Sequential([new Rescale(1 / 255), new Flatten(), new Linear(128), new ReLU(), new Linear(10)], { seed: 1 });
await new Trainer(network, { loss: new CrossEntropyLoss(), optimizer: new Adam() }).fit(train, { epochs: 1, batchSize: 128 });

function isDigit(pixels: unknown): pixels is number[] {
  return Array.isArray(pixels) && pixels.length === 784 && pixels.every((pixel) => typeof pixel === 'number' && pixel >= 0 && pixel <= 255);
}

async function digitOf(request: IncomingMessage): Promise<{ digit: number; logits: number[] }> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const pixels: unknown = JSON.parse(Buffer.concat(chunks).toString());
  if (!isDigit(pixels)) throw new RangeError('expected a JSON array of 784 numbers in 0 … 255');
  const { data } = await network.predict(array(Float32Array.from(pixels), [1, 28, 28, 1]));
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
  } else if (request.method === 'GET' && request.url === '/status') {
    answer(200, progress ?? { training: 'done' });
  } else {
    answer(404, { error: 'expected POST /predict or GET /status' });
  }
});
await new Promise<void>((resolve) => server.listen(values.once ? 0 : wantedPort, '127.0.0.1', resolve));
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
await trainer.fit(train, { epochs, batchSize: 128, onProgress: (p) => (progress = p) });
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
