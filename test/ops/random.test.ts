import assert from 'node:assert/strict';
import { array } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { Layer, Linear, type Scope } from '../../lib/layers/index.js';
import { Loss } from '../../lib/losses/index.js';
import { add, concat, mean, mul, randomNormal, randomUniform, square, sub } from '../../lib/ops/index.js';
import { SGD } from '../../lib/optimizers/index.js';
import { Trainer } from '../../lib/training/trainer.js';
import { evaluate, float64 } from '../support/evaluate.js';

describe('randomUniform', () => {
  const draw = (): ReturnType<typeof randomUniform> => randomUniform([3, 7], 0x123456789abcdefn, 5);

  it('gives the same numbers as the reference, other ones in every call', () => {
    const f = compile(() => draw());
    for (let step = 0; step < 3; step++) assert.deepEqual([...f.sync().data], [...evaluate([draw()], new Map(), { ...float64, step })[0]!]);
  });
  it('takes a number for the seed', () => {
    for (const random of [randomUniform, randomNormal]) {
      const [byNumber, byBigint] = compile(() => [random([4], 7, 1), random([4], 7n, 1)] as const).sync();
      assert.deepEqual(byNumber, byBigint);
    }
  });
  it('gives equal draws once', () => {
    assert.match(compile(() => [draw(), draw()] as const).describe(), /random .*\n.*copy .*\n2 instructions/);
  });
});

describe('randomNormal', () => {
  it('has the moments of the normal distribution, other numbers in every call', () => {
    const n = 1 << 16;
    const f = compile(() => randomNormal([n], 3n, 0));
    const [first, second] = [f.sync().data, f.sync().data];
    assert.notDeepEqual(first, second);
    const moment = (power: number): number => [...first].reduce((total, x) => total + x ** power, 0) / n;
    // Five standard errors: the variances of x, x², x³ and x⁴ are 1, 2, 15 and 96.
    for (const [power, expected, variance] of [
      [1, 0, 1],
      [2, 1, 2],
      [3, 0, 15],
      [4, 3, 96],
    ] as const)
      // prettier-ignore
      assert.ok(Math.abs(moment(power) - expected) < 5 * Math.sqrt(variance / n), `moment ${power}: ${moment(power)}`);
  });
});

describe('numbers of one seed', () => {
  class Noise extends Layer {
    forward(x: Tensor, scope: Scope): Tensor {
      return concat([scope.uniform(x.shape), scope.uniform(x.shape)], 1);
    }
  }
  const shape = [1, 4];
  it('are others for a function than for a model', () => {
    const model = new Noise().build([4]);
    const own = (stream: number): Tensor => randomUniform(shape, 0, stream);
    const f = compile((x: Tensor) => [model.outputOf(x), own(0), own(1), own(2 ** 29 - 1)] as const);
    const drawn = f.sync(array([[0, 0, 0, 0]])).flatMap(({ data }) => [...data]);
    assert.equal(new Set(drawn).size, drawn.length);
  });
  it('are those a loss draws with, new at every step', async () => {
    class NoisyTargets extends Loss {
      forward(prediction: Tensor, target: Tensor): Tensor {
        return mean(square(sub(prediction, add(target, mul(randomNormal(target.shape, 7, 0), 0.1)))));
      }
    }
    const trainer = new Trainer(new Linear(1, { bias: false }).build([1]), { loss: new NoisyTargets(), optimizer: new SGD({ lr: 0 }) });
    const zeros = array(new Float32Array(1000), [1000, 1]);
    const losses = [await trainer.step({ x: zeros, y: zeros }), await trainer.step({ x: zeros, y: zeros })].map(({ loss = NaN }) => loss);
    // 0.01 of a mean of a thousand squares: five standard errors of √(2 / 1000).
    for (const loss of losses) assert.ok(Math.abs(loss - 0.01) < 0.01 * 5 * Math.sqrt(2 / 1000), `${loss}`);
    assert.notEqual(losses[0], losses[1]);
  });
});
