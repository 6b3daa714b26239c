import assert from 'node:assert/strict';
import {
  CTCLoss,
  CrossEntropyLoss,
  Layer,
  Linear,
  MSELoss,
  MaxOverTime,
  MultiHeadAttention,
  type NdArray,
  Philox,
  SGD,
  type Scope,
  type Tensor,
  Trainer,
  array,
} from '../../lib/index.js';
import { zeros } from '../../lib/init.js';
import { exp, greater, mean, mul, square, where } from '../../lib/ops/index.js';

const rows = 8;
const steps = 5;
const x = array(new Philox(1).normal(rows * steps * 3), [rows, steps, 3]);
const lengths = array(Int32Array.from({ length: rows }, (_, i) => 1 + (i % steps)));
const y = array(Int32Array.from({ length: rows }, (_, i) => i % 2));

/** The largest of each feature within the length of a sequence, which is found with a mask of −∞. */
class Pooled extends Layer<[Tensor, Tensor]> {
  readonly features = new Linear(4);
  readonly attention = new MultiHeadAttention(2);
  readonly largest = new MaxOverTime();
  readonly head = new Linear(2);

  forward(input: Tensor, counts: Tensor, scope: Scope): Tensor {
    const h = scope.call('attention', this.attention, scope.call('features', this.features, input), counts);
    return scope.call('head', this.head, scope.call('largest', this.largest, h, counts));
  }
}

/** What fits give without debug and with it. */
async function losses(fit: (debug: boolean) => Promise<{ readonly epochs: readonly { readonly loss: number }[] }>): Promise<number[][]> {
  return Promise.all([false, true].map(async (debug) => (await fit(debug)).epochs.map(({ loss }) => loss)));
}

const refused = (layer: string, operation = '.*') => ({
  name: 'DataError',
  message: new RegExp(`^${layer}: expected finite numbers, got the first NaN or infinity in step \\d+, in ${operation}\\.`),
});

describe('infinities in a debug run', () => {
  it('are healthy in masks', async () => {
    const [plain, debugged] = await losses(
      (debug) =>
      new Trainer(new Pooled(), { loss: new CrossEntropyLoss(), optimizer: new SGD(), seed: 1 }).fit({ x: [x, lengths], y }, { epochs: 2, batchSize: 4, debug }), // prettier-ignore
    );
    assert.deepEqual(debugged, plain);
  });

  it('are healthy as losses of CTC that count 0', async () => {
    const labels = array(new Int32Array(2 * rows).fill(1), [rows, 2]);
    const target = { labels, lengths: array(Int32Array.from({ length: rows }, (_, i) => (i % 2 === 0 ? 2 : steps))) };
    const [plain, debugged] = await losses(
      (debug) =>
      new Trainer(new Linear(4), { loss: new CTCLoss({ zeroInfinity: true }), optimizer: new SGD(), seed: 1 }).fit({ x, y: target }, { epochs: 2, debug }), // prettier-ignore
    );
    assert.deepEqual(debugged, plain);
  });

  const flat = (values: Float32Array): NdArray<Float32Array> => array(values, [values.length / 3, 3]);
  const fit = (model: Layer, data: NdArray<Float32Array>, lr = 0.1): Promise<unknown> =>
    new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr }), seed: 1 }).fit(
      { x: data, y: array(new Float32Array(data.shape[0]!), [data.shape[0]!, 1]) },
      { epochs: 30, batchSize: 2, debug: true },
    );

  it('count in data', async () => {
    const broken = flat(x.data.slice());
    broken.data[7] = Infinity;
    await assert.rejects(fit(new Linear(1), broken), refused('Linear'));
  });

  it('count where numbers grow too large', async () => {
    class Exponential extends Layer {
      readonly linear = new Linear(1);
      forward(input: Tensor, scope: Scope): Tensor {
        return exp(mul(square(scope.call('linear', this.linear, input)), 1000));
      }
    }
    await assert.rejects(fit(new Exponential(), flat(x.data)), refused('Exponential.*', '.*exp.*'));
    await assert.rejects(fit(new Linear(1), flat(x.data), 1e6), refused('.*'));
  });

  it('count in what outlives the step', async () => {
    class Remembering extends Layer {
      readonly linear = new Linear(1);
      forward(input: Tensor, scope: Scope): Tensor {
        const kept = scope.buffer('kept', [], zeros());
        const size = mean(input);
        scope.assign(kept, where(greater(size, 1e9), size, -Infinity));
        return scope.call('linear', this.linear, input);
      }
    }
    await assert.rejects(fit(new Remembering(), flat(x.data)), refused('Remembering'));
  });
});
