import assert from 'node:assert/strict';
import { array } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import { gradients } from '../../lib/graph/gradients.js';
import { MemorySlot, source } from '../../lib/graph/source.js';
import { type Shape, sizeOf } from '../../lib/graph/shape.js';
import type { DType, Tensor } from '../../lib/graph/tensor.js';
import * as ops from '../../lib/ops/index.js';
import { getThreads, setThreads } from '../../lib/threads.js';
import { type Fn, checkForward, checkGradient, sample } from '../support/check-op.js';
import { memoryOf } from '../support/evaluate.js';
import { checkProgram, outputs } from '../support/programs.js';
import { generator, randomValues } from '../support/random-graph.js';

/** A cell with all its operands given as g, u, h0, lengths and then its own: what each returns, joined into one tensor. */
interface Case {
  readonly gates: number;
  readonly own?: 'c0' | 'bias';
  readonly run: (g: Tensor, u: Tensor, h0: Tensor, own: Tensor, options: ops.RecurrentOptions) => readonly Tensor[];
}

/** y, h and, of lstm, c. */
function results({ y, h, c }: ops.Recurrence & { readonly c?: Tensor }): readonly Tensor[] {
  return c === undefined ? [y, h] : [y, h, c];
}

const cells: Readonly<Record<string, Case>> = {
  'elman tanh': { gates: 1, run: (g, u, h0, _, o) => results(ops.elman(g, u, h0, o)) },
  'elman relu': { gates: 1, run: (g, u, h0, _, o) => results(ops.elman(g, u, h0, { ...o, nonlinearity: 'relu' })) },
  lstm: { gates: 4, own: 'c0', run: (g, u, h0, c0, o) => results(ops.lstm(g, u, h0, c0, o)) },
  gru: { gates: 3, run: (g, u, h0, _, o) => results(ops.gru(g, u, h0, o)) },
  'gru with a bias': { gates: 3, own: 'bias', run: (g, u, h0, bias, o) => results(ops.gru(g, u, h0, { ...o, recurrentBias: bias })) },
  'gru, reset before': { gates: 3, run: (g, u, h0, _, o) => results(ops.gru(g, u, h0, { ...o, resetAfter: false })) },
};

/** y, h and c in one vector. */
function joined(parts: readonly Tensor[]): Tensor {
  return ops.concat(parts.map((part) => ops.reshape(part, [part.size])));
}

function lengthsOf(t: number, n: number): Int32Array {
  return Int32Array.from({ length: n }, (_, i) => 1 + ((i * 5 + t - 1) % t));
}

interface Form {
  readonly sizes: readonly [t: number, n: number, h: number];
  readonly reverse?: boolean;
  readonly ragged?: boolean;
}

function checkCell(name: string, { gates, own, run }: Case, { sizes: [t, n, h], reverse = false, ragged = false }: Form): void {
  const title = `${name} [${t}, ${n}, ${h}]${reverse ? ', reversed' : ''}${ragged ? ', lengths' : ''}`;
  const shapes: readonly Shape[] = [[t, n, gates * h], [h, gates * h], [n, h], own === 'bias' ? [h] : [n, h]];
  const fn: Fn = (g, u, h0, x, lengths) => joined(run(g, u, h0, x, { reverse, ...(ragged && { lengths }) }));
  const inputs = [...shapes.map((shape, i) => sample(shape, i + 1, -1, 1)), array(lengthsOf(t, n), [n])];
  // A state passes one sum and some ten roundings a step; a gradient of U adds up those of all rows and steps.
  const roundings = t * (h + 10);
  it(`${title}: values`, () => checkForward(fn, inputs, roundings));
  if (t * n * h < 50) it(`${title}: gradient`, () => checkGradient(fn, inputs));
  it(`${title}: values of the gradients`, () => {
    const used = own === undefined ? [0, 1, 2] : [0, 1, 2, 3];
    for (const i of used) checkForward((...xs) => gradients(ops.sum(ops.square(fn(...xs))), [xs[i]!])[0]!, inputs, n * roundings); // prettier-ignore
  });
  it(`${title}: bits through the compiler`, () => {
    const slot = new MemorySlot('state', 4 * shapes.reduce((sum, shape) => sum + sizeOf(shape), 0));
    const ids = new MemorySlot('lengths', 4 * n);
    let at = 0;
    const xs = shapes.map((shape) => {
      const x = source(slot, 4 * at, shape);
      at += sizeOf(shape);
      return x;
    });
    const parts = run(xs[0]!, xs[1]!, xs[2]!, xs[3]!, { reverse, ...(ragged && { lengths: source(ids, 0, [n], 'int32') }) });
    const values = [...parts, ...gradients(ops.sum(joined(parts)), xs)];
    checkProgram(outputs(values), new Map([[slot, memoryOf(randomValues(at, generator(3)))], [ids, memoryOf(lengthsOf(t, n))]])); // prettier-ignore
  });
}

describe('recurrent sequences', () => {
  for (const [name, cell] of Object.entries(cells)) {
    for (const reverse of [false, true]) for (const ragged of [false, true]) checkCell(name, cell, { sizes: [4, 3, 3], reverse, ragged });
    checkCell(name, cell, { sizes: [1, 2, 5] });
    checkCell(name, cell, { sizes: [13, 5, 3], reverse: true, ragged: true }); // in panels
    it(`${name}: gradient of each result alone`, () => {
      const [t, n, h] = [3, 2, 3];
      const inputs = [[t, n, cell.gates * h], [h, cell.gates * h], [n, h], cell.own === 'bias' ? [h] : [n, h]].map((shape, i) => sample(shape, i, -1, 1)); // prettier-ignore
      for (let part = 0; part < (name === 'lstm' ? 3 : 2); part++)
        checkGradient((g, u, h0, own) => cell.run(g, u, h0, own, { reverse: part === 1 })[part]!, inputs);
    });
  }

  const gradient =
    (fn: (...xs: readonly Tensor[]) => Tensor): Fn =>
    (...xs) =>
      joined(gradients(ops.sum(fn(...xs)), xs));
  it('are one instruction each way, the panels beside it, and one product for the weights', () => {
    const text = compile((g: Tensor, u: Tensor, h0: Tensor, c0: Tensor) => {
      const { y, h, c } = ops.lstm(g, u, h0, c0);
      const loss = [y, h, c].map((x) => ops.sum(ops.square(x))).reduce((a, b) => ops.add(a, b));
      return gradients(loss, [ops.stopGradient(u), g, u, h0, c0]).slice(1);
    }).describe([20, 8, 64], [16, 64], [8, 16], [8, 16]);
    const kinds = text.split('\n').map((line) => line.trim().split(/\s+/)[1]);
    const count = (kind: string): number => kinds.filter((k) => k === kind).length;
    assert.deepEqual([count('recurrentForward'), count('recurrentBackward'), count('recurrentPanels'), count('gemm')], [1, 1, 2, 1], text);
    assert.equal(count('copy') + count('fill'), 0, text);
  });
  it('keep the gates where the products of the inputs were', () => {
    const text = compile((x: Tensor, w: Tensor, u: Tensor, h0: Tensor) => ops.gru(ops.matmul(x, w), u, h0).y).describe([9, 8, 4], [4, 48], [16, 48], [8, 16]); // prettier-ignore
    const [product, forward] = ['gemm', 'recurrentForward'].map((kind) => text.split('\n').find((line) => line.includes(` ${kind} `))!);
    const places = (line: string): readonly string[] => line.match(/(?:arena|memory \d)\+\d+/g) ?? [];
    assert.ok(places(forward!).includes(places(product!)[0]!), text);
  });
  // In panels over rows, as they are over units, in panels over units.
  for (const [t, n, h] of [
    [9, 24, 40],
    [3, 2, 128],
    [16, 6, 80],
  ] as const) {
    it(`[${t}, ${n}, ${h}] give the same bits on 1, 2 and 4 threads`, () => {
      const f = compile((g: Tensor, u: Tensor, h0: Tensor, c0: Tensor) => {
        const { y, h: last, c } = ops.lstm(g, u, h0, c0);
        return [y, last, c, ...gradients(ops.sum(joined([y, last, c])), [g, u, h0, c0])];
      });
      const arrays = [sample([t, n, 4 * h]), sample([h, 4 * h], 2, -0.2, 0.2), sample([n, h]), sample([n, h], 3)] as const;
      const before = getThreads();
      const [first, ...others] = [1, 2, 4].map((threads) => {
        setThreads(threads);
        return f.sync(...arrays).map(({ data }) => data);
      });
      setThreads(before);
      for (const other of others) assert.deepEqual(other, first);
    });
  }
  it('refuse a second derivative', () => {
    const twice: Fn = gradient(gradient((g, u, h0) => ops.gru(g, u, h0).y));
    assert.throws(() => compile((g: Tensor, u: Tensor, h0: Tensor) => twice(g, u, h0)).describe([3, 2, 6], [2, 6], [2, 2]), {
      name: 'StateError',
      message:
        'gru: expected a first derivative, got the second derivative of gru, which is not there. Unroll it with operations of your own, or leave it out of the penalty.',
    });
  });
  for (const length of [0, 5, -1]) {
    it(`report a length of ${length} in 4 steps`, async () => {
      const f = compile((g: Tensor, u: Tensor, h0: Tensor, lengths: Tensor) => ops.elman(g, u, h0, { lengths }).y);
      const run = f(sample([4, 3, 2]), sample([2, 2]), sample([3, 2]), array(Int32Array.of(4, length, 1), [3]));
      await assert.rejects(run, {
        name: 'DataError',
        message: `elman: expected a length in 1 … 4, got ${length} at position 1 in step 0.`,
      });
    });
  }
});

const x = (shape: Shape, dtype: DType = 'float32'): Tensor => source(new MemorySlot('x', 4 * sizeOf(shape)), 0, shape, dtype);
const wrong: readonly (readonly [() => unknown, 'ShapeError' | 'DTypeError' | 'OptionError', string])[] = [
  [() => ops.lstm(x([3, 2, 8]), x([2, 6]), x([2, 2]), x([2, 2])), 'ShapeError', 'lstm: expected u of shape [H, 4·H], got [2, 6].'],
  [() => ops.elman(x([3, 2, 2]), x([2]), x([2, 2])), 'ShapeError', 'elman: expected u of shape [H, H], got [2].'],
  [
    () => ops.lstm(x([3, 2, 4]), x([2, 8]), x([2, 2]), x([2, 2])),
    'ShapeError',
    'lstm: expected g of rank 3 [T, N, 4·H] with 4·H = 8 and at least one step, got [3, 2, 4]. Transpose batch-major sequences.',
  ],
  [
    () => ops.gru(x([0, 2, 6]), x([2, 6]), x([2, 2])),
    'ShapeError',
    'gru: expected g of rank 3 [T, N, 3·H] with 3·H = 6 and at least one step, got [0, 2, 6]. Transpose batch-major sequences.',
  ],
  [() => ops.elman(x([3, 2, 2]), x([2, 2]), x([1, 2])), 'ShapeError', 'elman: expected h0 of shape [N, H] = [2, 2], got [1, 2].'],
  [() => ops.lstm(x([3, 2, 8]), x([2, 8]), x([2, 2]), x([2])), 'ShapeError', 'lstm: expected c0 of shape [N, H] = [2, 2], got [2].'],
  [
    () => ops.gru(x([3, 2, 6]), x([2, 6]), x([2, 2]), { recurrentBias: x([6]) }),
    'ShapeError',
    'gru: expected recurrentBias of shape [H] = [2], got [6].',
  ],
  [
    () => ops.gru(x([3, 2, 6]), x([2, 6]), x([2, 2]), { recurrentBias: x([2]), resetAfter: false }),
    'OptionError',
    'gru: expected recurrentBias with resetAfter only, got it with resetAfter false. Add it to the n part of g.',
  ],
  [
    () => ops.elman(x([3, 2, 2]), x([2, 2]), x([2, 2]), { lengths: x([2]) }),
    'DTypeError',
    'elman: expected int32 lengths, got float32. Cast it first.',
  ],
  [
    () => ops.elman(x([3, 2, 2]), x([2, 2]), x([2, 2]), { lengths: x([3], 'int32') }),
    'ShapeError',
    'elman: expected lengths of shape [N] = [2], got [3].',
  ],
  [() => ops.elman(x([3, 2, 2], 'int32'), x([2, 2]), x([2, 2])), 'DTypeError', 'elman: expected float32 g, got int32. Cast it first.'],
  [
    // @ts-expect-error no such choice
    () => ops.elman(x([3, 2, 2]), x([2, 2]), x([2, 2]), { nonlinearity: 'gelu' }),
    'OptionError',
    "elman: expected 'tanh' or 'relu' for nonlinearity, got 'gelu'.",
  ],
];

describe('errors of recurrent sequences', () => {
  for (const [make, name, message] of wrong) it(message, () => assert.throws(make, { name, message }));
});
