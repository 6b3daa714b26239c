import { Adam, array, CrossEntropyLoss, Dropout, Linear, ReLU, Sequential, setThreads, SGD, Trainer } from 'lanewise';
import type { StepRequest } from '../cases/step.js';
import { makeData } from './data.js';

/** A net and its data: whole epochs in one `fit`, so shuffling, gathering and reporting are part of it. */
export interface Training {
  readonly train: (epochs: number, signal?: AbortSignal) => Promise<unknown>;
  readonly evaluate: () => Promise<number>;
  readonly stepsPerEpoch: number;
}

export function makeTraining(request: StepRequest): Training {
  const { sizes, batch, optimizer, learningRate, dropout, samples } = request;
  setThreads(Number(process.env.BENCH_THREADS ?? 1));
  const layers = sizes.slice(1).flatMap((size, index) => {
    const linear = new Linear(size);
    if (index === sizes.length - 2) return [linear];
    return dropout > 0 ? [linear, new ReLU(), new Dropout(dropout)] : [linear, new ReLU()];
  });
  const model = new Sequential(layers, { seed: 1 });
  const trainer = new Trainer(model, {
    loss: new CrossEntropyLoss(),
    optimizer: optimizer === 'adam' ? new Adam({ lr: learningRate }) : new SGD({ lr: learningRate }),
  });
  const data = makeData(request);
  // In shared memory a data set is used in place, as a long-running server would have it, and not copied at each fit.
  const shared = new Float32Array(new SharedArrayBuffer(data.x.byteLength));
  shared.set(data.x);
  const set = { x: array(shared, [samples, sizes[0]!]), y: array(data.y, [samples]) };
  return {
    train: (epochs, signal) => trainer.fit(set, { epochs, batchSize: batch, ...(signal && { signal }) }),
    evaluate: async () => (await trainer.evaluate(set)).loss!,
    stepsPerEpoch: samples / batch,
  };
}
