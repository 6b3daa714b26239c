import { type NdArray, array } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import { gradients } from '../../lib/graph/gradients.js';
import { constant } from '../../lib/graph/source.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { add, mul, sum } from '../../lib/ops/index.js';
import * as native from '../../lib/ops/recurrent.js';
import { checkClose, sample } from '../support/check-op.js';
import * as unrolled from '../support/recurrent.js';
import { float32Error } from '../support/tolerances.js';

type Recurrences = Pick<typeof native, 'elman' | 'lstm' | 'gru'>;
type Run = (ops: Recurrences, inputs: readonly Tensor[]) => readonly Tensor[];

const tensorsOf = ({ y, h, c }: native.Recurrence & { readonly c?: Tensor }): readonly Tensor[] => (c === undefined ? [y, h] : [y, h, c]);

const [t, n, h] = [5, 3, 4];
const lengths = Int32Array.of(2, 5, 1);
const reversed = (): { reverse: boolean; lengths: Tensor } => ({ reverse: true, lengths: constant(lengths) });

/** The outputs, then the gradients of a weighted sum of them. */
const measured =
  (run: Run, ops: Recurrences) =>
  (...inputs: Tensor[]): readonly Tensor[] => {
    const outputs = run(ops, inputs);
    const total = outputs.map((y) => sum(mul(y, constant(sample(y.shape, 5).data, y.shape)))).reduce((a, b) => add(a, b));
    return [...outputs, ...gradients(total, inputs)];
  };

const inputsOf = (gates: number, more: readonly (readonly number[])[]): readonly NdArray[] =>
  [[t, n, gates * h], [h, gates * h], [n, h], ...more].map((shape, i) => array(sample(shape, i + 1, -1, 1).data, shape));

const cases: readonly (readonly [string, Run, readonly NdArray[]])[] = [
  ['elman', ({ elman }, [g, u, h0]) => tensorsOf(elman(g!, u!, h0!)), inputsOf(1, [])],
  [
    'elman, relu, reversed, lengths',
    ({ elman }, [g, u, h0]) => tensorsOf(elman(g!, u!, h0!, { ...reversed(), nonlinearity: 'relu' })),
    inputsOf(1, []),
  ],
  ['lstm', ({ lstm }, [g, u, h0, c0]) => tensorsOf(lstm(g!, u!, h0!, c0!)), inputsOf(4, [[n, h]])],
  ['lstm, reversed, lengths', ({ lstm }, [g, u, h0, c0]) => tensorsOf(lstm(g!, u!, h0!, c0!, reversed())), inputsOf(4, [[n, h]])],
  ['gru', ({ gru }, [g, u, h0, recurrentBias]) => tensorsOf(gru(g!, u!, h0!, { recurrentBias: recurrentBias! })), inputsOf(3, [[h]])],
  [
    'gru, reset before, reversed, lengths',
    ({ gru }, [g, u, h0]) => tensorsOf(gru(g!, u!, h0!, { ...reversed(), resetAfter: false })),
    inputsOf(3, []),
  ],
];

/** Five steps of some ten roundings each, and sums over as many steps and rows. */
const operations = 100;

describe('recurrent sequences against the same in ordinary operations', () => {
  for (const [name, run, inputs] of cases) {
    it(name, () => {
      const results = [native, unrolled].map((ops) => compile(measured(run, ops)).sync(...inputs));
      results[1]!.forEach((expected, i) => checkClose(results[0]![i]!.data, expected.data, float32Error(operations)));
    });
  }
});
