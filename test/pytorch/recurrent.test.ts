import assert from 'node:assert/strict';
import { type NdArray, array } from '../../lib/array.js';
import { recurrentFromPyTorch, recurrentToPyTorch } from '../../lib/pytorch/index.js';

const zeros = (...shape: number[]): NdArray => array(new Float32Array(shape.reduce((n, k) => n * k, 1)), shape);
const lstm = { weight_ih_l0: zeros(8, 3), weight_hh_l0: zeros(8, 2) };
const arrays = (entries: Record<string, NdArray>): Map<string, NdArray> => new Map(Object.entries(entries));

describe('recurrent weights of PyTorch', () => {
  it('keep their path, and arrays of other names are left out', () => {
    const weights = recurrentFromPyTorch(arrays({ 'a.b.weight_ih_l1_reverse': zeros(2, 3), 'a.b.weight_hh_l1_reverse': zeros(2, 2), 'head.weight': zeros(4, 2) })); // prettier-ignore
    assert.deepEqual([...weights.keys()], ['a.b.weight1Reverse', 'a.b.recurrentWeight1Reverse', 'a.b.bias1Reverse']);
    const back = recurrentToPyTorch(new Map([...weights, ['head.weight', zeros(2, 4)], ['head.bias', zeros(4)]])); // prettier-ignore
    assert.deepEqual(
      [...back.keys()],
      ['weight_ih', 'weight_hh', 'bias_ih', 'bias_hh'].map((part) => `a.b.${part}_l1_reverse`),
    );
  });
  it('have zeros for a bias they do not have', () => assert.deepEqual([...recurrentFromPyTorch(arrays(lstm)).get('bias0')!.data], new Array(8).fill(0))); // prettier-ignore
  it('biases are added, but for the n gate of a GRU', () => {
    const gru = { weight_ih_l0: zeros(3, 1), weight_hh_l0: zeros(3, 1), bias_ih_l0: array([1, 2, 3]), bias_hh_l0: array([10, 20, 30]) };
    const weights = recurrentFromPyTorch(arrays(gru));
    assert.deepEqual([...weights.get('bias0')!.data], [11, 22, 3]);
    assert.deepEqual([...weights.get('recurrentBias0')!.data], [30]);
  });

  const wrong: readonly (readonly [() => unknown, string, string])[] = [
    [
      () => recurrentFromPyTorch(arrays({ 'rnn.weight_ih_l0': zeros(8, 3) })),
      'StateError',
      'recurrent weights: expected a matrix "rnn.weight_hh_l0", got only "rnn.weight_ih_l0".',
    ],
    [
      () => recurrentFromPyTorch(arrays({ ...lstm, weight_hh_l0: zeros(8) })),
      'StateError',
      'recurrent weights: expected a matrix "weight_hh_l0", got [8].',
    ],
    [
      () => recurrentFromPyTorch(arrays({ ...lstm, weight_hh_l0: zeros(8, 4) })),
      'ShapeError',
      'recurrentFromPyTorch: expected 1, 3 or 4 gates of H = 4 in "weight_hh_l0", got shape [8, 4]. Projections (proj_size) are not supported.',
    ],
    [
      () => recurrentFromPyTorch(arrays({ ...lstm, weight_ih_l0: zeros(6, 3) })),
      'ShapeError',
      'recurrentFromPyTorch: expected shape [8, 3] for "weight_ih_l0", got [6, 3].',
    ],
    [
      () => recurrentFromPyTorch(arrays({ ...lstm, bias_ih_l0: zeros(4) })),
      'ShapeError',
      'recurrentFromPyTorch: expected shape [8] for "bias_ih_l0", got [4].',
    ],
    [
      () => recurrentFromPyTorch(arrays({ ...lstm, weight_ih_l0: array(new Int32Array(24), [8, 3]) })),
      'DTypeError',
      'recurrentFromPyTorch: expected float32 for "weight_ih_l0", got int32.',
    ],
    [
      () => recurrentToPyTorch(arrays({ weight0: zeros(3, 6), recurrentWeight0: zeros(2, 6), bias0: zeros(6) })),
      'StateError',
      'recurrentToPyTorch: expected recurrentBias beside "recurrentWeight0", got none: PyTorch has no GRU with resetAfter: false.',
    ],
    [
      () => recurrentToPyTorch(arrays({ weight0: zeros(3, 8), recurrentWeight0: zeros(2, 8) })),
      'StateError',
      'recurrent weights: expected a vector "bias0", got only "weight0", "recurrentWeight0".',
    ],
    [
      () => recurrentFromPyTorch({} as never),
      'OptionError',
      'recurrentFromPyTorch: expected a Map of arrays made by array() for arrays, got {}.',
    ],
    [
      () => recurrentToPyTorch(undefined as never),
      'OptionError',
      'recurrentToPyTorch: expected a Map of arrays made by array() for weights, got undefined.',
    ],
  ];
  for (const [act, name, message] of wrong) it(message, () => assert.throws(act, { name, message }));
});
