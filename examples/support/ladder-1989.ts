/** What thirty years of methods add to the digit network of 1989, one step at a time. */
import {
  AdamW,
  type Augmentation,
  CrossEntropyLoss,
  type Layer,
  type Loss,
  MSELoss,
  type NdArray,
  type Optimizer,
  Rescale,
  SGD,
  Sequential,
  Trainer,
  array,
  linear,
  randomShift,
} from 'lanewise';
import { Lecun1989, type Lecun1989Options } from '../models/lecun1989.js';
import type { LabelledImages } from './images.js';

export interface Rung {
  readonly title: string;
  readonly net: Lecun1989Options;
  readonly loss: Loss;
  readonly optimizer: (steps: number) => Optimizer;
  readonly passes: number;
  readonly augment?: readonly Augmentation[];
  /** Test error, in per cent, that the reproduction of 2022 reports. */
  readonly published: number;
}

const scores = { output: 'scores' } as const;
const adamw = (steps: number): Optimizer => new AdamW({ lr: linear(3e-4, { to: 1e-4, steps }) });
const crossEntropy = new CrossEntropyLoss();
const augment = [randomShift(1)];

/** @see https://karpathy.github.io/2022/03/14/lecun1989/ for the settings and the errors */
export const rungs: readonly Rung[] = [
  {
    title: '1989: tanh, squared error, SGD',
    net: {},
    loss: new MSELoss(),
    optimizer: () => new SGD({ lr: 0.03 }),
    passes: 23,
    published: 4.09,
  },
  {
    title: 'softmax and cross-entropy',
    net: scores,
    loss: crossEntropy,
    optimizer: () => new SGD({ lr: 0.01 }),
    passes: 23,
    published: 4.38,
  },
  { title: 'AdamW, twice the passes', net: scores, loss: crossEntropy, optimizer: adamw, passes: 46, published: 3.59 },
  { title: 'digits shifted by up to a pixel', net: scores, loss: crossEntropy, optimizer: adamw, passes: 60, augment, published: 2.19 },
  {
    title: 'dropout and ReLU',
    net: { ...scores, activation: 'relu', dropout: 0.25 },
    loss: crossEntropy,
    optimizer: adamw,
    passes: 80,
    augment,
    published: 1.59,
  },
];

export interface ClimbOptions {
  /** Default: those of the rung. */
  readonly passes?: number;
  /** Of initial weights, dropout and shifts. Default: 1989. */
  readonly seed?: number;
}

/** Trains one digit after another, always in the same order, as was done then. */
export async function climb(rung: Rung, train: LabelledImages, { passes = rung.passes, seed = 1989 }: ClimbOptions = {}): Promise<Layer> {
  const net = new Lecun1989({ ...rung.net, seed });
  // Bytes to −1 … 1, inside the model, so that what a shift brings in is background.
  const model = new Sequential([new Rescale(2 / 255, -1), net], { seed });
  const y = rung.loss instanceof MSELoss ? plusMinusOne(train.y) : train.y;
  const trainer = new Trainer(model, { loss: rung.loss, optimizer: rung.optimizer(passes * train.y.size) });
  await trainer.fit({ x: train.x, y }, { epochs: passes, batchSize: 1, shuffle: false, ...(rung.augment && { augment: rung.augment }) });
  return model;
}

/** Targets of tanh units: 1 for the class, −1 for the others. */
function plusMinusOne(ids: NdArray): NdArray {
  const classes = 10;
  return array(
    Float32Array.from({ length: ids.size * classes }, (_, i) => (ids.data[Math.floor(i / classes)] === i % classes ? 1 : -1)),
    [ids.size, classes],
  );
}

/** Share, in per cent, of the digits that do not get their class. */
export async function errorOf(model: Layer, { x, y }: LabelledImages): Promise<number> {
  const { data, shape } = await model.predict(x);
  const classes = shape[1]!;
  let wrong = 0;
  for (let n = 0; n < y.size; n++) {
    const row = data.subarray(n * classes, (n + 1) * classes);
    if (row.indexOf(Math.max(...row)) !== y.data[n]) wrong++;
  }
  return (100 * wrong) / y.size;
}
