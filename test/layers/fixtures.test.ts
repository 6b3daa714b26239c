import assert from 'node:assert/strict';
import type { Layer } from '../../lib/layers/index.js';
import {
  ELU,
  Flatten,
  GELU,
  LayerNorm,
  LeakyReLU,
  Linear,
  LogSoftmax,
  PReLU,
  ReLU,
  SELU,
  SiLU,
  Sigmoid,
  Softmax,
  Softplus,
  Tanh,
} from '../../lib/layers/index.js';
import { readFixture } from '../support/fixtures.js';
import { type LayerFixture, assertAsFixture } from '../support/layer.js';

/** The layer that computes what PyTorch's of that fixture does. */
const layers: Readonly<Record<string, Layer>> = {
  Linear: new Linear(3),
  'Linear without bias': new Linear(3, { bias: false }),
  'Linear on sequences': new Linear(2),
  Sigmoid: new Sigmoid(),
  Tanh: new Tanh(),
  ReLU: new ReLU(),
  LeakyReLU: new LeakyReLU(),
  'LeakyReLU 0.25': new LeakyReLU({ negativeSlope: 0.25 }),
  ELU: new ELU(),
  'ELU 0.5': new ELU({ alpha: 0.5 }),
  SELU: new SELU(),
  PReLU: new PReLU(),
  'PReLU per channel': new PReLU({ perChannel: true }),
  GELU: new GELU(),
  'GELU tanh': new GELU({ approximate: 'tanh' }),
  SiLU: new SiLU(),
  Softplus: new Softplus(),
  'Softplus 2': new Softplus({ beta: 2 }),
  Softmax: new Softmax(),
  'Softmax along 1': new Softmax({ dim: 1 }),
  LogSoftmax: new LogSoftmax(),
  'LogSoftmax far out': new LogSoftmax(),
  LayerNorm: new LayerNorm(),
  'LayerNorm of two dimensions': new LayerNorm({ normalizedShape: [3, 4] }),
  'LayerNorm without affine': new LayerNorm({ affine: false }),
  'LayerNorm eps': new LayerNorm({ eps: 0.1 }),
  Flatten: new Flatten(),
  'Flatten 0 to 1': new Flatten({ startDim: 0, endDim: 1 }),
};

/** Rounding of at most some ten operations, and sums of at most eight terms of size about 1. */
const ulps = 32;

describe('layers against PyTorch', () => {
  const fixtures = readFixture<readonly (LayerFixture & { readonly name: string })[]>('layers');
  it('has a fixture for each layer listed', () => assert.deepEqual(fixtures.map(({ name }) => name).sort(), Object.keys(layers).sort()));
  for (const fixture of fixtures) it(fixture.name, () => assertAsFixture(layers[fixture.name]!, fixture, ulps));
});
