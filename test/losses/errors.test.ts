import assert from 'node:assert/strict';
import { type NdArray, array } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import {
  BCEWithLogitsLoss,
  CrossEntropyLoss,
  GaussianNLLLoss,
  HuberLoss,
  L1Loss,
  type Loss,
  MSELoss,
  NLLLoss,
  PoissonNLLLoss,
  QuantileLoss,
  l1,
  l2,
} from '../../lib/losses/index.js';
import { constant } from '../../lib/graph/source.js';
import { cast } from '../../lib/ops/index.js';

const zeros = (...shape: number[]): NdArray => array(new Float32Array(shape.reduce((n, k) => n * k, 1)), shape);
const ids = (...values: number[]): NdArray => array(Int32Array.from(values));

const wrongOptions: readonly (readonly [() => unknown, string])[] = [
  // @ts-expect-error no such choice
  [() => new MSELoss({ reduction: 'none' }), "MSELoss: expected 'mean' or 'sum' for reduction, got 'none'."],
  // @ts-expect-error unknown option
  [() => new L1Loss({ delta: 1 }), 'L1Loss: expected options among reduction, ignoreNaN, got delta.'],
  [() => new HuberLoss({ delta: 0 }), 'HuberLoss: expected a number > 0, 1.2e-38 at least for delta, got 0.'],
  [() => new CrossEntropyLoss({ labelSmoothing: 1.5 }), 'CrossEntropyLoss: expected a number in [0, 1] for labelSmoothing, got 1.5.'],
  [() => new CrossEntropyLoss({ weight: [1, -1] }), 'CrossEntropyLoss: expected an array of numbers ≥ 0 for weight, got [ 1, -1 ].'],
  [() => new CrossEntropyLoss({ ignoreIndex: 0.5 }), 'CrossEntropyLoss: expected a whole number for ignoreIndex, got 0.5.'],
  [() => new NLLLoss({ weight: [NaN] }), 'NLLLoss: expected an array of numbers ≥ 0 for weight, got [ NaN ].'],
  [
    () => new BCEWithLogitsLoss({ posWeight: -1 }),
    'BCEWithLogitsLoss: expected a number ≥ 0 or an array of numbers ≥ 0 for posWeight, got -1.',
  ],
  // @ts-expect-error required
  [() => new QuantileLoss({}), 'QuantileLoss: expected a number in (0, 1) or a list of them for quantiles, got undefined.'],
  [() => new QuantileLoss({ quantiles: 1 }), 'QuantileLoss: expected a number in (0, 1) or a list of them for quantiles, got 1.'],
  [() => new QuantileLoss({ quantiles: [] }), 'QuantileLoss: expected a number in (0, 1) or a list of them for quantiles, got [].'],
  [() => new GaussianNLLLoss({ eps: 0 }), 'GaussianNLLLoss: expected a number > 0, 1.2e-38 at least for eps, got 0.'],
  [() => l1(-1), 'l1: expected a number ≥ 0 for lambda, got -1.'],
  [() => l2(Infinity), 'l2: expected a number ≥ 0 for lambda, got Infinity.'],
];

const wrongShapes: readonly (readonly [Loss, NdArray, NdArray, string])[] = [
  [
    new MSELoss(),
    zeros(4, 1),
    zeros(4),
    'MSELoss: expected target of the shape of the prediction [4, 1], got [4]. Reshape the target or change the last layer.',
  ],
  [
    new CrossEntropyLoss(),
    zeros(4, 3),
    zeros(4, 2),
    'CrossEntropyLoss: expected class ids of shape [4] or probabilities of shape [4, 3] for target, got [4, 2]. Reshape the target or change the last layer.',
  ],
  [
    new CrossEntropyLoss({ weight: [1, 2] }),
    zeros(4, 3),
    ids(0, 0, 0, 0),
    'CrossEntropyLoss: expected 3 values for weight, one a class, got 2.',
  ],
  [
    new NLLLoss(),
    zeros(4, 3),
    zeros(4, 3),
    'NLLLoss: expected class ids of shape [4] for a prediction of shape [4, 3], got [4, 3]. Reshape the target.',
  ],
  [
    new BCEWithLogitsLoss({ posWeight: [1, 2] }),
    zeros(4, 3),
    zeros(4, 3),
    'BCEWithLogitsLoss: expected 3 values for posWeight, one for each of the last dimension, got 2.',
  ],
  [
    new QuantileLoss({ quantiles: [0.1, 0.9] }),
    zeros(4, 2),
    zeros(4, 1),
    'QuantileLoss: expected a prediction [4, 1, 2] for a target [4, 1], the quantiles in its last dimension, got [4, 2]. Give the last layer 2 outputs, or reshape the target.',
  ],
  [
    new QuantileLoss({ quantiles: 0.9 }),
    zeros(4, 1),
    zeros(4),
    'QuantileLoss: expected target of the shape of the prediction [4, 1], got [4]. Reshape the target or change the last layer.',
  ],
];

const wrongData: readonly (readonly [Loss, NdArray, readonly number[], string])[] = [
  [
    new CrossEntropyLoss(),
    ids(0, 2, 3, 1),
    [2, 3],
    'CrossEntropyLoss: expected class ids 0 … 2, got 3 at row 2. Number the classes from 0, give the last layer more outputs, or leave rows of it out by ignoreIndex: 3.',
  ],
  [
    new CrossEntropyLoss({ ignoreIndex: 5 }),
    array(Int32Array.of(0, 5, 1, -1), [2, 2]),
    [2, 2, 3],
    'CrossEntropyLoss: expected class ids 0 … 2, got -1 at row 1 [1]. Number the classes from 0, or leave rows of it out by ignoreIndex: -1.',
  ],
  [
    new NLLLoss(),
    array([0, 0.5]),
    [2, 3],
    'NLLLoss: expected class ids 0 … 2, got 0.5 at row 1. Give whole numbers, or learn numbers by MSELoss.',
  ],
  [
    new CrossEntropyLoss(),
    array([[0.5, 0.5], [2, -1]]), // prettier-ignore
    [2, 2],
    'CrossEntropyLoss: expected probabilities in [0, 1], got 2 at row 1 [0]. Use class ids or normalise the rows.',
  ],
  [
    new CrossEntropyLoss(),
    array([[0.5, 0.5], [0.5, 0.25]]), // prettier-ignore
    [2, 2],
    'CrossEntropyLoss: expected probabilities that sum to 1, got 0.75 at row 1. Use class ids or normalise the rows.',
  ],
  [
    new BCEWithLogitsLoss(),
    array([[0], [NaN]]),
    [2, 1],
    'BCEWithLogitsLoss: expected targets in [0, 1], got NaN at row 1 [0]. Leave such targets out by ignoreNaN: true.',
  ],
  [
    new BCEWithLogitsLoss(),
    array([[0], [2]]),
    [2, 1],
    'BCEWithLogitsLoss: expected targets in [0, 1], got 2 at row 1 [0]. Scale or relabel the targets.',
  ],
  [
    new MSELoss(),
    array([[0], [NaN]]),
    [2, 1],
    'MSELoss: expected finite targets, got NaN at row 1 [0]. Leave such targets out by ignoreNaN: true.',
  ],
  [
    new L1Loss({ ignoreNaN: true }),
    array([NaN, -Infinity]),
    [2],
    'L1Loss: expected finite targets, got -Infinity at row 1. Clean the data.',
  ],
  [new PoissonNLLLoss(), array([0, 1, -1]), [3], 'PoissonNLLLoss: expected counts ≥ 0, got -1 at row 2. Clean the data.'],
  [new PoissonNLLLoss(), array([0, Infinity]), [2], 'PoissonNLLLoss: expected finite targets, got Infinity at row 1. Clean the data.'],
  [new HuberLoss(), array([0, 1, Infinity]), [3], 'HuberLoss: expected finite targets, got Infinity at row 2. Clean the data.'],
];

describe('errors of losses', () => {
  for (const [make, message] of wrongOptions) it(message, () => assert.throws(make, { name: 'OptionError', message }));
  for (const [loss, prediction, target, message] of wrongShapes) {
    const f = compile((p: Tensor, t: Tensor) => loss.forward(p, t));
    it(message, () => assert.throws(() => f.sync(prediction, target), { name: 'ShapeError', message }));
  }
  for (const [loss, target, shape, message] of wrongData) {
    it(message, () => assert.throws(() => loss.validate(target, shape), { name: 'DataError', message }));
  }
  it('of outputs and targets of GaussianNLLLoss', () => {
    const loss = new GaussianNLLLoss();
    const forward = (make: () => object) => (): unknown =>
      compile(() => loss.forward(make() as never, constant(Float32Array.of(0, 1)))).sync();
    assert.throws(forward(() => constant(Float32Array.of(1, 2))), { name: 'DataError', message: 'GaussianNLLLoss: expected outputs { mean, variance }, got one alone. Return them by name from forward.' }); // prettier-ignore
    assert.throws(forward(() => ({ mean: constant(Float32Array.of(1, 2)), std: constant(Float32Array.of(1, 2)) })), { name: 'DataError', message: 'GaussianNLLLoss: expected outputs { mean, variance }, got { mean, std }. Return them by name from forward.' }); // prettier-ignore
    assert.throws(forward(() => ({ mean: constant(Float32Array.of(1, 2)), variance: constant(Float32Array.of(1)) })), { name: 'ShapeError', message: /^GaussianNLLLoss: expected target of the shape of the prediction \[1\], got \[2\]/ }); // prettier-ignore
    assert.throws(() => loss.validate(array([NaN])), { name: 'DataError', message: 'GaussianNLLLoss: expected finite targets, got NaN at row 0. Leave such targets out by ignoreNaN: true.' }); // prettier-ignore
  });
  it('no ids made of NaN', () => {
    const f = compile((p: Tensor, t: Tensor) => new CrossEntropyLoss().forward(p, cast(t, 'int32')));
    assert.throws(() => f.sync(array([[1, 2], [3, 4]]), array([0, NaN])), { name: 'DataError', message: /at position 1/ }); // prettier-ignore
  });
  it('accepts ignored ids and rounded probabilities', () => {
    new CrossEntropyLoss({ ignoreIndex: -100 }).validate(ids(0, -100, 2), [3, 3]);
    new CrossEntropyLoss().validate(array([[1 / 3, 1 / 3, 1 / 3]]), [1, 3]);
  });
});

describe('NLLLoss with ignoreIndex', () => {
  it('takes nothing from an ignored row, whatever its probability', async () => {
    const loss = new NLLLoss({ ignoreIndex: 0 });
    const f = compile((logp: Tensor, target: Tensor) => loss.forward(logp, target));
    const logp = array([[-Infinity, 0], [-0.5, -1]]); // prettier-ignore
    assert.deepEqual([...(await f(logp, array(Int32Array.of(0, 1)))).data], [1]);
  });
});
