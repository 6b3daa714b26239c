import {
  Adam,
  array,
  CrossEntropyLoss,
  Dropout,
  type History,
  type Layer,
  Linear,
  LSTM,
  ReLU,
  Reshape,
  Sequential,
  setThreads,
  SGD,
  Trainer,
} from 'lanewise';
import { kerasConvnet } from '../../examples/models/keras-convnet.js';
import { lenet5 } from '../../examples/models/lenet5.js';
import { resnet18 } from '../../examples/models/resnet18.js';
import { vgg } from '../../examples/models/vgg.js';
import type { StepRequest } from '../cases/step.js';
import { makeData } from './data.js';

/** A net and its data: whole epochs in one `fit`, so shuffling, gathering and reporting are part of it. */
export interface Training {
  readonly train: (epochs: number, signal?: AbortSignal) => Promise<History>;
  readonly evaluate: () => Promise<number>;
  readonly stepsPerEpoch: number;
}

export function makeTraining(request: StepRequest): Training {
  const { sizes, batch, optimizer, learningRate, samples, net } = request;
  setThreads(Number(process.env.BENCH_THREADS ?? 1));
  const model =
    net === undefined ? mlp(request) : { lenet5, 'keras-convnet': kerasConvnet, vgg, resnet18, 'row-lstm': rowLstm }[net.name]({ seed: 1 });
  const trainer = new Trainer(model, {
    loss: new CrossEntropyLoss(),
    optimizer: optimizer === 'adam' ? new Adam({ lr: learningRate }) : new SGD({ lr: learningRate }),
  });
  const data = makeData(request);
  // In shared memory a data set is used in place, as a long-running server would have it, and not copied at each fit.
  const shared = new Float32Array(new SharedArrayBuffer(data.x.byteLength));
  shared.set(data.x);
  const set = { x: array(shared, [samples, ...(net?.image ?? [sizes[0]!])]), y: array(data.y, [samples]) };
  return {
    train: (epochs, signal) => trainer.fit(set, { epochs, batchSize: batch, ...(signal && { signal }) }),
    evaluate: async () => (await trainer.evaluate(set)).loss,
    stepsPerEpoch: samples / batch,
  };
}

function rowLstm(options: { seed: number }): Layer {
  return new Sequential([new Reshape([28, 28]), new LSTM(128, { returnSequences: false }), new Linear(10)], options);
}

function mlp({ sizes, dropout }: StepRequest): Layer {
  const layers = sizes.slice(1).flatMap((size, index) => {
    const linear = new Linear(size);
    if (index === sizes.length - 2) return [linear];
    return dropout > 0 ? [linear, new ReLU(), new Dropout(dropout)] : [linear, new ReLU()];
  });
  return new Sequential(layers, { seed: 1 });
}
