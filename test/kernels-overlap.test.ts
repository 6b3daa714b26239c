/** Which arrays of the raw kernels may share memory with a result. */
import assert from 'node:assert/strict';
import * as kernels from '../lib/kernels.js';

type Name = Exclude<keyof typeof kernels, 'conv2dOutputSize' | 'random'>;
type Options = Readonly<Record<string, unknown>>;

interface Kernel {
  readonly options: Options;
  readonly results: readonly string[];
  /** [result, other] that may be one array. */
  readonly inPlace?: readonly (readonly [string, string])[];
}

const f = (length: number): Float32Array => new Float32Array(length).fill(0.5);
const ids = (length: number): Int32Array => new Int32Array(length).fill(1);
const window = { n: 1, h: 4, w: 4, c: 2, kernelSize: 2 };
const conv = { ...window, outChannels: 3 };
const [steps, n, hidden] = [2, 2, 3];
const forward = (gates: number): Options => ({
  steps, n, hidden, u: f(gates * 9), g: f(gates * 12), h0: f(6), states: f(18), lengths: ids(2) }); // prettier-ignore
const backward = (gates: number): Options => ({
  steps, n, hidden, u: f(gates * 9), states: f(18), lengths: ids(2), dy: f(12), dh: f(6), dgates: f(gates * 12), dh0: f(6) }); // prettier-ignore
const step = (gates: number): Options => ({
  n, inputs: 3, hidden, x: f(6), w: f(gates * 9), u: f(gates * 9), b: f(gates * 3), h: f(6) }); // prettier-ignore

const all: Readonly<Record<Name, Kernel>> = {
  gemm: { options: { m: 2, n: 3, k: 4, a: f(8), b: f(12), c: f(6), bias: f(3) }, results: ['c'] },
  softmax: { options: { rows: 2, columns: 3, input: f(6), output: f(6) }, results: ['output'], inPlace: [['output', 'input']] },
  reduce: { options: { kind: 'sum', count: 4, input: f(4), output: f(1) }, results: ['output'] },
  crossEntropy: { options: { rows: 2, columns: 3, logits: f(6), ids: ids(2), loss: f(2) }, results: ['loss'] },
  crossEntropyBackward: {
    options: { rows: 2, columns: 3, logits: f(6), ids: ids(2), dloss: f(2), dlogits: f(6) },
    results: ['dlogits'],
    inPlace: [['dlogits', 'logits']],
  },
  gatherRows: { options: { width: 2, table: f(6), ids: ids(2), output: f(4) }, results: ['output'] },
  elementwise: {
    options: { op: 'fma', a: f(4), b: f(4), c: f(4), output: f(4) },
    results: ['output'],
    inPlace: ['a', 'b', 'c'].map((name) => ['output', name]),
  },
  conv2d: { options: { ...conv, x: f(32), weight: f(24), bias: f(3), y: f(27) }, results: ['y'] },
  conv2dBackwardData: { options: { ...conv, dy: f(27), weight: f(24), dx: f(32) }, results: ['dx'] },
  conv2dBackwardWeights: { options: { ...conv, x: f(32), dy: f(27), dweight: f(24) }, results: ['dweight'] },
  im2col: { options: { ...window, x: f(32), columns: f(72) }, results: ['columns'] },
  col2im: { options: { ...window, columns: f(72), dx: f(32) }, results: ['dx'] },
  maxPool2d: { options: { ...window, x: f(32), y: f(8), index: ids(8) }, results: ['y', 'index'] },
  maxPool2dBackward: { options: { ...window, dy: f(8), index: ids(8), dx: f(32) }, results: ['dx'] },
  avgPool2d: { options: { ...window, x: f(32), y: f(8) }, results: ['y'] },
  avgPool2dBackward: { options: { ...window, dy: f(8), dx: f(32) }, results: ['dx'] },
  rnnForward: { options: forward(1), results: ['states'] },
  rnnBackward: { options: backward(1), results: ['dgates', 'dh0'] },
  lstmForward: {
    options: { ...forward(4), c0: f(6), cells: f(18), gates: f(48) },
    results: ['states', 'cells', 'gates'],
    inPlace: [['gates', 'g']],
  },
  lstmBackward: {
    options: { ...backward(4), cells: f(18), gates: f(48), dc: f(6), dc0: f(6) },
    results: ['dgates', 'dh0', 'dc0'],
    inPlace: [['dgates', 'gates']],
  },
  gruForward: {
    options: { ...forward(3), recurrentBias: f(3), gates: f(36), q: f(12) },
    results: ['states', 'gates', 'q'],
    inPlace: [['gates', 'g']],
  },
  gruBackward: {
    options: { ...backward(3), gates: f(36), q: f(12), dq: f(12) },
    results: ['dgates', 'dh0', 'dq'],
    inPlace: [['dgates', 'gates']],
  },
  // What a step overwrites may be its input: that is read before.
  rnnStep: { options: step(1), results: ['h'], inPlace: [['h', 'x']] },
  lstmStep: { options: { ...step(4), c: f(6) }, results: ['h', 'c'], inPlace: ['h', 'c'].map((name) => [name, 'x']) },
  gruStep: { options: { ...step(3), recurrentBias: f(3) }, results: ['h'], inPlace: [['h', 'x']] },
};

const isArray = (value: unknown): value is Float32Array | Int32Array => value instanceof Float32Array || value instanceof Int32Array;

function run(name: Name, options: Options): void {
  (kernels[name] as (options: never) => void)(options as never);
}

/** The options with two of the arrays at the start of one memory. */
function shared(options: Options, pair: readonly string[]): Options {
  const memory = new ArrayBuffer(4 * Math.max(...pair.map((name) => (options[name] as Float32Array).length)));
  const at = (name: string): Float32Array | Int32Array => {
    const array = options[name];
    return array instanceof Int32Array ? new Int32Array(memory, 0, array.length).fill(1) : new Float32Array(memory, 0, (array as Float32Array).length); // prettier-ignore
  };
  return { ...options, ...Object.fromEntries(pair.map((name) => [name, at(name)])) };
}

describe('arrays that overlap', () => {
  it('are of every kernel', () => {
    const names = Object.keys(kernels).filter((name) => !['conv2dOutputSize', 'random'].includes(name));
    assert.deepEqual(names.toSorted(), Object.keys(all).toSorted());
  });
  for (const [name, { options, results, inPlace = [] }] of Object.entries(all) as [Name, Kernel][]) {
    it(`are refused where one is a result, but for those in place: ${name}`, () => {
      run(name, options); // The table is right.
      const others = Object.keys(options).filter((other) => isArray(options[other]));
      for (const result of results) {
        for (const other of others.filter((one) => one !== result)) {
          const given = shared(options, [result, other]);
          if (inPlace.some(([out, array]) => out === result && array === other)) {
            run(name, given);
            continue;
          }
          const [message, both] = [new RegExp(`^${name}: expected (\\w+) apart from (\\w+), got arrays that overlap\\. Give \\1 an array of its own\\.$`), [result, other].toSorted()]; // prettier-ignore
          assert.throws(
            () => run(name, given),
            (error: Error) => {
              const found = message.exec(error.message);
              assert.ok(error.name === 'ShapeError' && found !== null, error.message);
              assert.deepEqual([found[1], found[2]].toSorted(), both);
              return true;
            },
          );
        }
      }
    });
  }

  it('do not overlap beside each other in one memory, however long they go on', () => {
    const memory = f(64);
    kernels.lstmStep({ ...all.lstmStep.options, h: memory, c: memory.subarray(6) } as never);
    const apart = { ...all.lstmStep.options, h: f(6), c: f(6) };
    kernels.lstmStep(apart as never);
    assert.deepEqual([...memory.subarray(0, 12)], [...apart.h, ...apart.c]);
  });

  it('leave the result of a step right where it is the input', () => {
    for (const name of ['rnnStep', 'lstmStep', 'gruStep'] as const) {
      const [own, fed] = [f(6), f(6)];
      run(name, { ...all[name].options, ...(name === 'lstmStep' && { c: f(6) }), x: f(6), h: own });
      run(name, { ...all[name].options, ...(name === 'lstmStep' && { c: f(6) }), x: fed, h: fed });
      assert.deepEqual(fed, own);
    }
  });
});
