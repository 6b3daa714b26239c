import assert from 'node:assert/strict';
import {
  Conv2d,
  DTypeError,
  DataError,
  Embedding,
  Flatten,
  GRU,
  Layer,
  LastStep,
  Linear,
  type NdArray,
  OptionError,
  Philox,
  type Scope,
  Sequential,
  ShapeError,
  StateError,
  Tanh,
  type Tensor,
  array,
  inputGradient,
  integratedGradients,
} from '../../lib/index.js';

const explainers = { inputGradient, integratedGradients };

class Twice extends Layer<[Tensor], { readonly a: Tensor; readonly b: Tensor }> {
  forward(x: Tensor): { readonly a: Tensor; readonly b: Tensor } {
    return { a: x, b: x };
  }
}

/** y = x · w, w [3, 2] */
function linear(): Sequential {
  const model = new Sequential([new Linear(2, { bias: false })]).build([3]);
  model.setWeights(
    new Map([
      [
        '0.weight',
        array([
          [1, -2],
          [0.5, 4],
          [-3, 0.25],
        ]),
      ],
    ]),
  );
  return model;
}

const rows = array([
  [2, 0, 0],
  [0, 1, 0],
]);

function curved(): Sequential {
  return new Sequential([new Conv2d(4, 3), new Tanh(), new Flatten(), new Linear(3)], { seed: 2 }).build([6, 6, 2]);
}

const images = array(new Philox(5).normal(5 * 72), [5, 6, 6, 2]);

/** The last states of sequences of different lengths. */
class Reader extends Layer<[Tensor, Tensor]> {
  readonly gru: GRU = new GRU(4);
  readonly last: LastStep = new LastStep();
  readonly head: Linear = new Linear(2);
  forward(x: Tensor, lengths: Tensor, scope: Scope): Tensor {
    return scope.call('head', this.head, scope.call('last', this.last, scope.call('gru', this.gru, x, lengths), lengths));
  }
}

function sums({ data, shape }: NdArray<Float32Array>): readonly number[] {
  const width = data.length / shape[0]!;
  return Array.from({ length: shape[0]! }, (_, row) => data.subarray(row * width, (row + 1) * width).reduce((a, b) => a + b, 0));
}

function close(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  Array.from(actual).forEach((value, i) =>
    assert.ok(Math.abs(value - expected[i]!) <= tolerance, `element ${i}: expected ${expected[i]}, got ${value}`),
  );
}

describe('inputGradient', () => {
  it('of a product is its weights: of the largest output, of one, or of one for each row', async () => {
    const model = linear();
    const first = [1, 0.5, -3];
    const second = [-2, 4, 0.25];
    assert.deepEqual((await inputGradient(model, rows)).toNested(), [first, second]);
    assert.deepEqual((await inputGradient(model, rows, { target: 1 })).toNested(), [second, second]);
    assert.deepEqual((await inputGradient(model, rows, { target: array(Int32Array.of(1, 0)) })).toNested(), [second, first]);
  });

  it('is the slope of the output', async () => {
    const model = curved();
    const { data } = await inputGradient(model, images, { target: 2, batchSize: 2 });
    const at = async (i: number, by: number): Promise<number> => {
      const moved = images.data.slice();
      moved[i]! += by;
      return (await model.predict(array(moved, images.shape))).data[Math.floor(i / 72) * 3 + 2]!;
    };
    for (const i of [0, 100, 359]) close([data[i]!], [((await at(i, 1 / 64)) - (await at(i, -1 / 64))) * 32], 2e-3);
  });

  it('takes bytes, and models with a single output', async () => {
    const model = new Sequential([new Linear(1, { bias: false }), new Flatten()]).build([2]);
    model.setWeights(new Map([['0.weight', array([[3], [-1]])]]));
    assert.deepEqual((await inputGradient(model, array(Uint8Array.of(1, 255), [1, 2]))).toNested(), [[3, -1]]);
  });

  it('holds the other inputs: nothing beyond the length of a sequence counts', async () => {
    const model = new Reader().build([[4, 2], []], { dtypes: ['float32', 'int32'] });
    const x = array(new Philox(1).normal(16), [2, 4, 2]);
    const { data } = await inputGradient(model, [x, array(Int32Array.of(2, 4))]);
    assert.ok(data.subarray(4, 8).every((g) => g === 0));
    assert.ok(data.subarray(0, 4).every((g) => g !== 0) && data.subarray(8).every((g) => g !== 0));
  });
});

describe('integratedGradients', () => {
  it('of a product is weight times distance from the baseline', async () => {
    close((await integratedGradients(linear(), rows, { target: 0, steps: 3 })).data, [2, 0, 0, 0, 0.5, 0], 1e-6);
    const baseline = array([1, 1, 1]);
    close((await integratedGradients(linear(), rows, { target: 0, baseline })).data, [1, -0.5, 3, -1, 0, 3], 1e-5);
    close((await integratedGradients(linear(), rows, { target: 0, baseline: 1 })).data, [1, -0.5, 3, -1, 0, 3], 1e-5);
  });

  it('adds up to what the input does for the output beyond the baseline', async () => {
    const model = curved();
    const baseline = array(new Philox(6).normal(72), [6, 6, 2]);
    const target = array(Int32Array.of(0, 1, 2, 1, 0));
    const got = await integratedGradients(model, images, { baseline, target, batchSize: 2 });
    const y = (await model.predict(images)).data;
    const y0 = (await model.predict(array(baseline.data, [1, 6, 6, 2]))).data;
    close(
      sums(got),
      [...target.data].map((id, row) => y[row * 3 + id]! - y0[id]!),
      2e-3,
    );
  });

  it('gives the same bits in batches of any size', async () => {
    const model = curved();
    const whole = await integratedGradients(model, images, { steps: 4 });
    assert.deepEqual(await integratedGradients(model, images, { steps: 4, batchSize: 2 }), whole);
  });

  it('refuses a baseline of another shape, and no steps', async () => {
    await assert.rejects(integratedGradients(linear(), rows, { baseline: array([1, 2]) }), {
      name: ShapeError.name,
      message: 'integratedGradients: expected a number or float32 [3], one row of the input, for baseline, got float32 [2].',
    });
    await assert.rejects(integratedGradients(linear(), rows, { steps: 0 }), OptionError);
  });
});

for (const [name, explain] of Object.entries(explainers)) {
  describe(`${name} refuses`, () => {
    it('a model that was never built, which it leaves so', async () => {
      const model = new Sequential([new Linear(2)]);
      await assert.rejects(explain(model, rows), {
        name: StateError.name,
        message: /^Sequential: expected a model whose input size is known/,
      });
      assert.throws(() => model.weights(), StateError);
    });
    it('what is no model', async () => {
      const message = `${name}: expected a model, got Map. Give the layer that was trained.`;
      await assert.rejects(explain(new Map() as never, rows), { name: OptionError.name, message });
    });
    it('ids', async () => {
      const model = new Sequential([new Embedding(4, 2)]).build([], { dtypes: ['int32'] });
      await assert.rejects(explain(model, array(Int32Array.of(1, 2))), { name: DTypeError.name, message: /ids have no gradient/ });
    });
    it('outputs of more than one row each', async () => {
      const model = new Sequential([new Linear(2)]).build([4, 3]);
      const message = `${name}: expected a model with outputs [N, C] or [N], got [N, 4, 2]. Explain one that ends in one row for each input.`;
      await assert.rejects(explain(model, array(new Float32Array(12), [1, 4, 3])), { name: ShapeError.name, message });
    });
    it('outputs by name', async () => {
      const message = `${name}: expected a model with one output, got a, b. Explain a layer around it that gives one of them.`;
      await assert.rejects(explain(new Twice().build([3]) as never, rows), { name: ShapeError.name, message });
    });
    it('arrays without their buffer', async () => {
      const gone = <T extends NdArray>(x: T): T => {
        structuredClone(undefined, { transfer: [x.data.buffer as ArrayBuffer] });
        return x;
      };
      const rejects = (act: Promise<unknown>, of: string): Promise<void> =>
        assert.rejects(act, {
          name: StateError.name,
          message: `${name}: expected ${of}, got 0: its buffer was detached or resized. Make a new array.`,
        });
      await rejects(explain(linear(), rows, { target: gone(array(Int32Array.of(0, 1))) }), '2 elements for target of shape [2]');
      await rejects(explain(linear(), gone(array([[1, 2, 3]]))), '3 elements for data of shape [1, 3]');
      if (explain === integratedGradients)
        await rejects(explain(linear(), rows, { baseline: gone(array([1, 2, 3])) }), '3 elements for baseline of shape [3]');
    });
    it('targets that are none', async () => {
      const rejects = (target: unknown, error: { name: string }, message: RegExp): Promise<void> =>
        assert.rejects(explain(linear(), rows, { target: target as number }), { name: error.name, message });
      await rejects(2, DataError, /expected targets in 0 … 1, got 2 in row 0/);
      await rejects(array(Int32Array.of(0, -1)), DataError, /got -1 in row 1/);
      await rejects(array(Int32Array.of(0)), ShapeError, /expected target \[2\], one for each row, got \[1\]/);
      await rejects(array([0, 1]), DTypeError, /got float32/);
      await rejects('cat', OptionError, /for target, got 'cat'/);
    });
    it('other inputs', async () => {
      await assert.rejects(explain(linear(), array([[1, 2]])), ShapeError);
      await assert.rejects(explain(linear(), [] as never), DataError);
    });
  });
}
