/** Options that are undefined are as if left out: by their types, which tsc sees here (eslint looks for others), and at run time. */
import assert from 'node:assert/strict';
import {
  Conv1d,
  Conv2d,
  ConvTranspose1d,
  ConvTranspose2d,
  DepthwiseConv2d,
  type Layer,
  Standardizer,
  type Tensor,
  array,
  compile,
  constant,
  conv1d,
  conv2d,
  convTranspose2d,
} from '../lib/index.js';
import { gruBackward, gruForward, gruStep, rnnBackward, rnnForward, rnnStep } from '../lib/kernels.js';

const values = (...shape: readonly number[]): Tensor => {
  const size = shape.reduce((a, b) => a * b);
  return constant(
    Float32Array.from({ length: size }, (_, i) => Math.sin(i)),
    shape,
  );
};
const f = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => Math.cos(i));

const window = { stride: undefined, padding: undefined, dilation: undefined };
const geometry = { ...window, groups: undefined };
const image = values(2, 5, 5, 2);

const operations: Readonly<Record<string, readonly [without: () => Tensor, undefinedOptions: () => Tensor]>> = {
  conv1d: [
    () => conv1d(values(2, 5, 2), values(2, 2, 3)),
    () => conv1d(values(2, 5, 2), values(2, 2, 3), { ...geometry, bias: undefined }),
  ],
  conv2d: [() => conv2d(image, values(2, 2, 2, 3)), () => conv2d(image, values(2, 2, 2, 3), { ...geometry, bias: undefined })],
  convTranspose2d: [
    () => convTranspose2d(image, values(2, 2, 3, 2)),
    () => convTranspose2d(image, values(2, 2, 3, 2), { ...geometry, outputPadding: undefined, bias: undefined }),
  ],
};

const rest = { ...geometry, bias: undefined, weightInit: undefined };
const layers: Readonly<Record<string, readonly [without: Layer, undefinedOptions: Layer, row: readonly number[]]>> = {
  Conv1d: [new Conv1d(3, 2), new Conv1d(3, 2, rest), [5, 2]],
  Conv2d: [new Conv2d(3, 2), new Conv2d(3, 2, rest), [5, 5, 2]],
  ConvTranspose1d: [new ConvTranspose1d(3, 2), new ConvTranspose1d(3, 2, { ...rest, outputPadding: undefined }), [5, 2]],
  ConvTranspose2d: [new ConvTranspose2d(3, 2), new ConvTranspose2d(3, 2, { ...rest, outputPadding: undefined }), [5, 5, 2]],
  DepthwiseConv2d: [
    new DepthwiseConv2d(2),
    new DepthwiseConv2d(2, { ...window, bias: undefined, weightInit: undefined, depthMultiplier: undefined }),
    [5, 5, 2],
  ],
};

const sizes = { steps: 2, n: 2, hidden: 3, reverse: undefined, lengths: undefined };

/** What a kernel of a recurrent net leaves, with an option undefined or left out. */
const kernels: Readonly<Record<string, (isGiven: boolean) => readonly Float32Array[]>> = {
  rnnForward: (isGiven) => {
    const states = new Float32Array(18);
    rnnForward({ ...sizes, u: f(9), g: f(12), h0: f(6), states, ...(isGiven && { nonlinearity: undefined }) });
    return [states];
  },
  rnnBackward: (isGiven) => {
    const [dgates, dh0] = [new Float32Array(12), new Float32Array(6)];
    const none = { dy: undefined, nonlinearity: undefined };
    rnnBackward({ ...sizes, u: f(9), states: f(18), dh: f(6), dgates, dh0, ...(isGiven && none) });
    return [dgates, dh0];
  },
  gruForward: (isGiven) => {
    const [states, gates, q] = [new Float32Array(18), new Float32Array(36), new Float32Array(12)];
    const none = { resetAfter: undefined, recurrentBias: undefined };
    gruForward({ ...sizes, u: f(27), g: f(36), h0: f(6), states, gates, q, ...(isGiven && none) });
    return [states, gates, q];
  },
  gruBackward: (isGiven) => {
    const [dgates, dh0, dq] = [new Float32Array(36), new Float32Array(6), new Float32Array(12)];
    const none = { dh: undefined, resetAfter: undefined };
    gruBackward({ ...sizes, u: f(27), states: f(18), gates: f(36), q: f(12), dy: f(12), dgates, dh0, dq, ...(isGiven && none) });
    return [dgates, dh0, dq];
  },
  rnnStep: (isGiven) => {
    const h = f(6);
    rnnStep({ n: 2, inputs: 2, hidden: 3, x: f(4), w: f(6), u: f(9), h, ...(isGiven && { b: undefined, nonlinearity: undefined }) });
    return [h];
  },
  gruStep: (isGiven) => {
    const h = f(6);
    const none = { b: undefined, resetAfter: undefined, recurrentBias: undefined };
    gruStep({ n: 2, inputs: 2, hidden: 3, x: f(4), w: f(18), u: f(27), h, ...(isGiven && none) });
    return [h];
  },
};

describe('options that are undefined', () => {
  for (const [name, [without, given]] of Object.entries(operations)) {
    it(`are as if left out: ${name}`, () => assert.deepEqual(compile(given).sync(), compile(without).sync()));
  }
  for (const [name, [without, given, row]] of Object.entries(layers)) {
    it(`are as if left out: ${name}`, () => {
      const x = array(f(row.reduce((a, b) => a * b)), [1, ...row]);
      assert.deepEqual(given.build(row).predictSync(x), without.build(row).predictSync(x));
      assert.deepEqual(given.weights(), without.weights());
    });
  }
  for (const [name, run] of Object.entries(kernels)) {
    it(`are as if left out: ${name}`, () => assert.deepEqual(run(true), run(false)));
  }
  it('are as if left out: Standardizer.from', () => {
    const statistics = { mean: [1, 2], deviation: [1, 0] };
    assert.deepEqual(Standardizer.from({ ...statistics, row: undefined }), Standardizer.from(statistics));
  });
});
