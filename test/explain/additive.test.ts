import assert from 'node:assert/strict';
import {
  Layer,
  Linear,
  Philox,
  type Scope,
  type Tensor,
  array,
  concat,
  inputGradient,
  integratedGradients,
  relu,
} from '../../lib/index.js';

/** y = [wide, relu(deep · V)] · w */
class WideDeep extends Layer<[Tensor, Tensor]> {
  readonly hidden: Linear = new Linear(8);
  readonly out: Linear = new Linear(1);

  forward(wide: Tensor, deep: Tensor, scope: Scope): Tensor {
    return scope.call('out', this.out, concat([wide, relu(scope.call('hidden', this.hidden, deep))], 1));
  }
}

describe('a model whose output is a sum over its inputs', () => {
  const wide = array(new Philox(1).normal(12), [4, 3]);
  const deep = array(new Philox(2).normal(20), [4, 5]);
  const model = new WideDeep().build([[3], [5]]);
  const weights = [...model.weights().get('out.weight')!.data.subarray(0, 3)];

  it('has the weights of its first input as slopes', async () => {
    const { data } = await inputGradient(model, [wide, deep]);
    assert.deepEqual([...data], [0, 1, 2, 3].flatMap(() => weights)); // prettier-ignore
  });

  it('has attributions of weight times input', async () => {
    const { data } = await integratedGradients(model, [wide, deep], { steps: 3 });
    data.forEach((value, i) => assert.ok(Math.abs(value - weights[i % 3]! * wide.data[i]!) < 1e-6));
  });
});
