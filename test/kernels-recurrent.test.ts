import assert from 'node:assert/strict';
import { gruBackward, gruForward, gruStep, lstmBackward, lstmForward, lstmStep, rnnBackward, rnnForward, rnnStep } from '../lib/kernels.js';
import { native } from '../lib/native.js';
import { getThreads, setThreads } from '../lib/threads.js';
import { Philox } from '../lib/random.js';

const floats = (count: number, seed = 1): Float32Array => new Philox(seed).normal(count).map((x) => x / 2);
const empty = (count: number): Float32Array => new Float32Array(count);

const [steps, n, inputs, hidden] = [5, 3, 4, 6];
const rows = n * hidden;

/** Everything a sequence of `gates` gates needs, and room for its results. */
function problem(gates: number) {
  return {
    sizes: { steps, n, hidden, u: floats(hidden * hidden * gates, 1), states: empty((steps + 1) * rows) },
    x: floats(steps * n * inputs, 2),
    w: floats(inputs * hidden * gates, 3),
    h0: floats(rows, 4),
    c0: floats(rows, 5),
    cells: empty((steps + 1) * rows),
    gates: empty(steps * rows * gates),
    q: empty(steps * rows),
    dgates: empty(steps * rows * gates),
    dq: empty(steps * rows),
    dh0: empty(rows),
    dc0: empty(rows),
  };
}

/** Runs each step on its inputs. */
function eachStep(x: Float32Array, step: (x: Float32Array) => void): void {
  for (let t = 0; t < steps; t++) step(x.subarray(t * n * inputs, (t + 1) * n * inputs));
}

/** What the inputs add to the gates. */
function g(p: ReturnType<typeof problem>, gates: number): Float32Array {
  const width = gates * hidden;
  const out = empty(steps * n * width);
  native().gemm(steps * n, width, inputs, p.x, 0, inputs, 1, p.w, 0, width, 1, out, 0, width, undefined, 0, false);
  return out;
}

describe('recurrent kernels on typed arrays', () => {
  it('a sequence of rnnStep is rnnForward', () => {
    const p = problem(1);
    rnnForward({ ...p.sizes, g: g(p, 1), h0: p.h0 });
    const h = p.h0.slice();
    eachStep(p.x, (x) => rnnStep({ n, inputs, hidden, x, w: p.w, u: p.sizes.u, h }));
    assert.deepEqual(h, p.sizes.states.subarray(steps * rows));
  });
  it('a sequence of lstmStep is lstmForward', () => {
    const p = problem(4);
    lstmForward({ ...p.sizes, g: g(p, 4), h0: p.h0, c0: p.c0, cells: p.cells, gates: p.gates });
    const [h, c] = [p.h0.slice(), p.c0.slice()];
    eachStep(p.x, (x) => lstmStep({ n, inputs, hidden, x, w: p.w, u: p.sizes.u, h, c }));
    assert.deepEqual(h, p.sizes.states.subarray(steps * rows));
    assert.deepEqual(c, p.cells.subarray(steps * rows));
  });
  for (const resetAfter of [true, false]) {
    it(`a sequence of gruStep is gruForward, reset ${resetAfter ? 'after' : 'before'} the product`, () => {
      const p = problem(3);
      const recurrentBias = resetAfter ? floats(hidden, 7) : undefined;
      gruForward({ ...p.sizes, g: g(p, 3), h0: p.h0, gates: p.gates, q: p.q, resetAfter, ...(recurrentBias && { recurrentBias }) });
      const h = p.h0.slice();
      eachStep(p.x, (x) => gruStep({ n, inputs, hidden, x, w: p.w, u: p.sizes.u, h, resetAfter, ...(recurrentBias && { recurrentBias }) })); // prettier-ignore
      assert.deepEqual(h, p.sizes.states.subarray(steps * rows));
    });
  }
  it('the gradients carry what reaches the initial state', () => {
    // A difference in float32 is exact to about its square root.
    const p = problem(4);
    const forward = { ...p.sizes, g: g(p, 4), h0: p.h0, c0: p.c0, cells: p.cells, gates: p.gates };
    const dy = floats(steps * rows, 8);
    lstmForward(forward);
    lstmBackward({ ...p.sizes, cells: p.cells, gates: p.gates, dy, dgates: p.dgates, dh0: p.dh0, dc0: p.dc0 });
    const value = (h0: Float32Array): number => {
      const states = empty((steps + 1) * rows);
      lstmForward({ ...forward, h0, states, cells: empty(states.length), gates: empty(p.gates.length) });
      return dy.reduce((sum, d, i) => sum + d * states[rows + i]!, 0);
    };
    p.dh0.forEach((slope, i) => {
      const at = (step: number): number => value(p.h0.map((h, j) => (i === j ? h + step : h)));
      assert.ok(Math.abs((at(2 ** -8) - at(-(2 ** -8))) * 2 ** 7 - slope) < 2 ** -10);
    });
  });
  it('give the same bits in place and on any number of threads', () => {
    const p = problem(3);
    const before = getThreads();
    const results = [1, 2, 4].map((threads) => {
      setThreads(threads);
      const gates = g(p, 3);
      gruForward({ ...p.sizes, g: gates, h0: p.h0, gates, q: p.q });
      gruBackward({ ...p.sizes, gates, q: p.q, dh: floats(rows, 9), dgates: gates, dq: p.dq, dh0: p.dh0 });
      return [p.sizes.states.slice(), gates, p.dq.slice(), p.dh0.slice()];
    });
    setThreads(before);
    results.forEach((result) => assert.deepEqual(result, results[0]));
  });
});

const p1 = problem(1);
const forward1 = { ...p1.sizes, g: empty(steps * rows), h0: p1.h0 };
const p3 = problem(3);
const wrong: readonly (readonly [() => void, string, string])[] = [
  [() => rnnForward({ ...forward1, g: empty(1) }), 'ShapeError', `rnnForward: expected at least ${steps * rows} elements for g, got 1.`],
  [
    () => rnnForward({ ...forward1, states: empty(1) }),
    'ShapeError',
    `rnnForward: expected at least ${(steps + 1) * rows} elements for states, got 1.`,
  ],
  [
    () => rnnForward({ ...forward1, lengths: new Int32Array(1) }),
    'ShapeError',
    `rnnForward: expected at least ${n} elements for lengths, got 1.`,
  ],
  [
    () => rnnForward({ ...forward1, lengths: Int32Array.of(1, steps + 1, 1) }),
    'DataError',
    `rnnForward: expected lengths in 1 … ${steps}, got ${steps + 1} for row 1.`,
  ],
  [() => rnnForward({ ...forward1, n: 2 ** 31 }), 'ShapeError', `rnnForward: expected sizes below 2³¹, got n = ${2 ** 31}.`],
  [
    () => rnnForward({ ...forward1, g: p1.sizes.states }),
    'ShapeError',
    'rnnForward: expected states apart from g, got arrays that overlap. Give states an array of its own.',
  ],
  [
    () => gruForward({ ...p3.sizes, g: p3.gates, h0: p3.h0, gates: p3.dgates, q: p3.gates.subarray(0, steps * rows) }),
    'ShapeError',
    'gruForward: expected q apart from g, got arrays that overlap. Give q an array of its own.',
  ],
  [
    () => rnnBackward({ ...p1.sizes, dgates: p1.dgates, dh0: empty(1) }),
    'ShapeError',
    `rnnBackward: expected at least ${rows} elements for dh0, got 1.`,
  ],
  [
    () => gruForward({ ...p3.sizes, g: p3.gates, h0: p3.h0, gates: p3.gates, q: p3.q, resetAfter: false, recurrentBias: empty(hidden) }),
    'OptionError',
    'gruForward: expected recurrentBias with resetAfter only, got it with resetAfter false. Add it to the n part of g.',
  ],
  [
    () => gruStep({ n, inputs, hidden, x: p3.x, w: p3.w, u: p3.sizes.u, h: p3.h0, resetAfter: false, recurrentBias: empty(hidden) }),
    'OptionError',
    'gruStep: expected recurrentBias with resetAfter only, got it with resetAfter false. Add it to the n part of b.',
  ],
  [
    () => native().recurrentForward(Int32Array.of(2, 1, 1, 1, 0), empty(4), empty(4), undefined, empty(1), undefined, undefined, empty(2), empty(2), empty(4), undefined), // prettier-ignore
    'TypeError',
    'recurrentForward: expected a Float32Array for c0, got undefined',
  ],
  [
    () => native().recurrentForward(Int32Array.of(5, 1, 1, 1, 0), empty(4), empty(4), undefined, empty(1), undefined, undefined, empty(2), undefined, undefined, undefined), // prettier-ignore
    'RangeError',
    'recurrentForward: expected 0 to 4 at position 0 of shape, got 5',
  ],
  [
    () => native().recurrentForward(Int32Array.of(1), empty(4), empty(4), undefined, empty(1), undefined, undefined, empty(2), undefined, undefined, undefined), // prettier-ignore
    'RangeError',
    'recurrentForward: expected 5 numbers for shape, got 1',
  ],
];

describe('errors of recurrent kernels', () => {
  for (const [run, name, message] of wrong) it(message, () => assert.throws(run, { name, message }));

  const p4 = problem(4);
  const lengths = Int32Array.of(1, steps, 0);
  const forward = ({ sizes, h0 }: typeof p4) => ({ ...sizes, lengths, h0 });
  const backward = ({ sizes, dgates, dh0 }: typeof p4) => ({ ...sizes, lengths, dgates, dh0 });
  const passes: Readonly<Record<string, () => void>> = {
    rnnForward: () => rnnForward({ ...forward(p1), g: empty(steps * rows) }),
    rnnBackward: () => rnnBackward(backward(p1)),
    lstmForward: () => lstmForward({ ...forward(p4), g: p4.gates, c0: p4.c0, cells: p4.cells, gates: p4.gates }),
    lstmBackward: () => lstmBackward({ ...backward(p4), cells: p4.cells, gates: p4.gates, dc0: p4.dc0 }),
    gruForward: () => gruForward({ ...forward(p3), g: p3.gates, gates: p3.gates, q: p3.q }),
    gruBackward: () => gruBackward({ ...backward(p3), gates: p3.gates, q: p3.q, dq: p3.dq }),
  };
  for (const [what, run] of Object.entries(passes)) {
    it(`${what} looks at all lengths before it writes`, () => {
      for (const { sizes, dgates } of [p1, p3, p4]) {
        sizes.states.fill(7);
        dgates.fill(7);
      }
      p4.cells.fill(7);
      assert.throws(run, { name: 'DataError', message: `${what}: expected lengths in 1 … ${steps}, got 0 for row 2.` });
      const untouched = [p1, p3, p4].flatMap(({ sizes, dgates }) => [sizes.states, dgates]);
      assert.ok([...untouched, p4.cells].every((values) => values.every((value) => value === 7)));
    });
  }
});
