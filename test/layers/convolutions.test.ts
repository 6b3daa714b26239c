import assert from 'node:assert/strict';
import { type NdArray, array } from '../../lib/array.js';
import { BatchNorm, Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d, DepthwiseConv2d, Flatten, type Layer, Linear, Pad, ReLU, Sequential } from '../../lib/layers/index.js'; // prettier-ignore
import { Philox } from '../../lib/random.js';
import { runLayer } from '../support/layer.js';

const ones = (...shape: number[]): NdArray => array(new Float32Array(shape.reduce((n, k) => n * k, 1)).fill(1), shape);

const wrongOptions: readonly (readonly [() => unknown, string])[] = [
  [() => new Conv1d(0, 3), 'Conv1d: expected a whole number ≥ 1 for outChannels, got 0.'],
  // @ts-expect-error one dimension
  [() => new Conv1d(2, [3, 3]), 'Conv1d: expected a whole number ≥ 1 for kernelSize, got [ 3, 3 ].'],
  [() => new Conv1d(2, 3, { dilation: 0 }), 'Conv1d: expected a whole number ≥ 1 for dilation, got 0.'],
  [() => new Conv2d(1.5, 3), 'Conv2d: expected a whole number ≥ 1 for outChannels, got 1.5.'],
  [
    () => new Conv2d(2, [3, 0]),
    'Conv2d: expected a whole number ≥ 1 or a list of 2, each a whole number ≥ 1 for kernelSize, got [ 3, 0 ].',
  ],
  [() => new Conv2d(2, 3, { padding: -1 }), "Conv2d: expected a whole number ≥ 0 or a list of 2, each a whole number ≥ 0 or 'same' or 'valid' for padding, got -1."], // prettier-ignore
  [() => new Conv2d(2, 3, { groups: 0 }), 'Conv2d: expected a whole number ≥ 1 for groups, got 0.'],
  // @ts-expect-error unknown option
  [() => new Conv2d(2, 3, { pad: 1 }), 'Conv2d: expected options among stride, padding, dilation, groups, bias, weightInit, got pad.'],
  [() => new ConvTranspose1d(2, 0), 'ConvTranspose1d: expected a whole number ≥ 1 for kernelSize, got 0.'],
  [() => new ConvTranspose2d(-2, 3), 'ConvTranspose2d: expected a whole number ≥ 1 for outChannels, got -2.'],
  [() => new ConvTranspose2d(2, NaN), 'ConvTranspose2d: expected a whole number ≥ 1 or a list of 2, each a whole number ≥ 1 for kernelSize, got NaN.'], // prettier-ignore
  // @ts-expect-error no such padding here
  [() => new ConvTranspose2d(2, 3, { padding: 'same' }), "ConvTranspose2d: expected a whole number ≥ 0 or a list of 2, each a whole number ≥ 0 for padding, got 'same'."], // prettier-ignore
  [
    () => new DepthwiseConv2d(0),
    'DepthwiseConv2d: expected a whole number ≥ 1 or a list of 2, each a whole number ≥ 1 for kernelSize, got 0.',
  ],
  [() => new DepthwiseConv2d(3, { depthMultiplier: 0 }), 'DepthwiseConv2d: expected a whole number ≥ 1 for depthMultiplier, got 0.'],
  // @ts-expect-error decided by the channels
  [() => new DepthwiseConv2d(3, { groups: 2 }), 'DepthwiseConv2d: expected options among stride, padding, dilation, depthMultiplier, bias, weightInit, got groups.'], // prettier-ignore
  // @ts-expect-error four sides
  [() => new Pad([1, 2]), 'Pad: expected a whole number ≥ 0 or a list of 4, each a whole number ≥ 0 for size, got [ 1, 2 ].'],
  [() => new Pad(1, { value: NaN }), 'Pad: expected a finite number for value, got NaN.'],
];

const wrongShapes: readonly (readonly [Layer, readonly number[], string])[] = [
  [new Conv1d(2, 3), [1, 3], 'Conv1d: expected x of rank 3 [N, T, C], got [1, 3]. Reshape it; a sequence of one channel has C = 1.'],
  [new Conv1d(2, 9), [1, 3, 1], 'Conv1d: expected a kernel that fits the padded length of x, got 1 · (9 − 1) + 1 = 9 > 3 + 2 · 0 = 3. Make the kernel or dilation smaller, or padding or x larger.'], // prettier-ignore
  [new Conv1d(2, 1, { groups: 2 }), [1, 3, 3], 'Conv1d: expected groups that divide the channels C of x, got 3 / 2 (remainder 1). Change groups or the channels.'], // prettier-ignore
  [new Conv2d(2, 3), [1, 28, 28], 'Conv2d: expected x of rank 4 [N, H, W, C], got [1, 28, 28]. Reshape it; an image of one channel has C = 1.'], // prettier-ignore
  [new Conv2d(2, 3), [1, 2, 5, 1], 'Conv2d: expected a kernel that fits the padded height of x, got 1 · (3 − 1) + 1 = 3 > 2 + 2 · 0 = 2. Make the kernel or dilation smaller, or padding or x larger.'], // prettier-ignore
  [new Conv2d(2, 1, { groups: 2 }), [1, 2, 5, 3], 'Conv2d: expected groups that divide the channels C of x, got 3 / 2 (remainder 1). Change groups or the channels.'], // prettier-ignore
  [new Conv2d(3, 1, { groups: 2 }), [1, 2, 5, 4], 'Conv2d: expected groups that divide the output channels OC, got 3 / 2 (remainder 1). Change groups or the channels.'], // prettier-ignore
  [new ConvTranspose1d(2, 1), [1, 3], 'ConvTranspose1d: expected x of rank 3 [N, T, C], got [1, 3]. Reshape it; a sequence of one channel has C = 1.'], // prettier-ignore
  [new ConvTranspose1d(3, 1, { padding: 3 }), [1, 2, 4], 'ConvTranspose1d: expected an output of length ≥ 1, got (2 − 1) · 1 − 2 · 3 + 1 · (1 − 1) + 0 + 1 = -4. Make padding smaller or the kernel or x larger.'], // prettier-ignore
  [new ConvTranspose2d(2, 1), [1, 3], 'ConvTranspose2d: expected x of rank 4 [N, H, W, C], got [1, 3]. Reshape it; an image of one channel has C = 1.'], // prettier-ignore
  [new ConvTranspose2d(3, 1, { groups: 2 }), [1, 2, 5, 4], 'ConvTranspose2d: expected groups that divide outChannels, got 3 / 2 (remainder 1). Change groups or the channels.'], // prettier-ignore
  [new ConvTranspose2d(3, 1, { padding: 3 }), [1, 2, 5, 4], 'ConvTranspose2d: expected an output of height ≥ 1, got (2 − 1) · 1 − 2 · 3 + 1 · (1 − 1) + 0 + 1 = -4. Make padding smaller or the kernel or x larger.'], // prettier-ignore
  [new DepthwiseConv2d(3), [1, 3, 3], 'DepthwiseConv2d: expected x of rank 4 [N, H, W, C], got [1, 3, 3]. Reshape it; an image of one channel has C = 1.'], // prettier-ignore
  [new DepthwiseConv2d(1), [1, 3, 3, 0], 'DepthwiseConv2d: expected x of at least one channel C, got [1, 3, 3, 0]. Change the layer before it.'], // prettier-ignore
  [new Conv1d(2, 1), [1, 3, 0], 'Conv1d: expected x of at least one channel C, got [1, 3, 0]. Change the layer before it.'],
  [new Conv2d(2, 1), [1, 3, 3, 0], 'Conv2d: expected x of at least one channel C, got [1, 3, 3, 0]. Change the layer before it.'],
  [new ConvTranspose2d(2, 1), [1, 3, 3, 0], 'ConvTranspose2d: expected x of at least one channel C, got [1, 3, 3, 0]. Change the layer before it.'], // prettier-ignore
  [new Conv2d(1, 1, { stride: 2 ** 31 }), [1, 3, 3, 1], 'Conv2d: expected sizes below 2³¹, got strideH = 2147483648.'],
  [new ConvTranspose2d(1, 1, { stride: 2 ** 31 }), [1, 3, 3, 1], 'ConvTranspose2d: expected sizes below 2³¹, got strideH = 2147483648.'],
  [new Pad(1), [1, 3], 'Pad: expected x of rank 4 [N, H, W, C], got [1, 3]. Reshape it; an image of one channel has C = 1.'],
];

const network = (): Sequential =>
  new Sequential([new Conv2d(8, 3, { padding: 1 }), new ReLU(), new DepthwiseConv2d(3, { stride: 2, padding: 1 }), new Flatten(), new Linear(10)]); // prettier-ignore

describe('errors of convolution layers', () => {
  for (const [make, message] of wrongOptions) it(message, () => assert.throws(make, { name: 'OptionError', message }));
  for (const [layer, shape, message] of wrongShapes) {
    it(message, () => assert.throws(() => new Sequential([layer]).build(shape.slice(1)), { name: 'ShapeError', message: message.replace(':', ' "0":') })); // prettier-ignore
  }
});

describe('convolution layers', () => {
  const shapes: readonly (readonly [Layer, readonly number[], readonly number[], readonly (readonly [string, readonly number[]])[]])[] = [
    [new Conv1d(6, 3, { groups: 2, padding: 'same' }), [9, 4], [1, 9, 6], [['weight', [3, 2, 6]], ['bias', [6]]]], // prettier-ignore
    [new Conv2d(6, [3, 5], { bias: false }), [8, 8, 4], [1, 6, 4, 6], [['weight', [3, 5, 4, 6]]]],
    [new ConvTranspose2d(6, 2, { stride: 2, groups: 2 }), [4, 3, 4], [1, 8, 6, 6], [['weight', [2, 2, 3, 4]], ['bias', [6]]]], // prettier-ignore
    [new DepthwiseConv2d(3, { depthMultiplier: 2 }), [5, 5, 3], [1, 3, 3, 6], [['weight', [3, 3, 1, 6]], ['bias', [6]]]], // prettier-ignore
    [new Pad([1, 2, 3, 4]), [5, 5, 3], [1, 8, 12, 3], []],
  ];
  for (const [layer, row, output, parameters] of shapes) {
    it(`${layer.constructor.name} [${row.join()}]: shapes`, () => {
      layer.build(row);
      assert.deepEqual([...layer.summary().layers[0]!.output], output);
      assert.deepEqual([...layer.weights()].map(([path, { shape }]) => [path, [...shape]]), parameters); // prettier-ignore
    });
  }
  const fans: readonly (readonly [Layer, readonly number[], number])[] = [
    [new Conv1d(300, 4, { groups: 2 }), [9, 8], 16],
    [new Conv2d(300, [4, 2], { groups: 2 }), [9, 9, 4], 16],
    [new ConvTranspose2d(200, [4, 1], { groups: 50 }), [3, 3, 100], 16],
    [new DepthwiseConv2d(4, { depthMultiplier: 300 }), [4, 4, 1], 16],
  ];
  for (const [layer, row, fan] of fans) {
    it(`${layer.constructor.name} starts within ±1/√${fan}, weight and bias`, () => {
      const bound = 1 / Math.sqrt(fan);
      for (const [path, { data }] of layer.build(row).weights()) {
        const largest = data.reduce((most, w) => Math.max(most, Math.abs(w)), 0);
        // The largest of 200 uniform values is below 0.9 of the bound once in 10⁹ times.
        assert.ok(largest <= bound && largest > 0.9 * bound, `${path}: ${largest}`);
      }
    });
  }
  it('Pad fills the margin', () => {
    const layer: Layer = new Pad([1, 0, 0, 2], { value: 7 });
    const { y } = runLayer(layer, ones(1, 1, 2, 1), new Map(), ones(1, 2, 4, 1));
    assert.deepEqual([...y.data], [7, 7, 7, 7, 1, 1, 7, 7]);
  });
  it('DepthwiseConv2d keeps channels apart', async () => {
    const layer = new DepthwiseConv2d(1, { bias: false, depthMultiplier: 2, weightInit: () => Float32Array.of(1, 2, 3, 4) }).build([
      1, 1, 2,
    ]);
    assert.deepEqual([...(await layer.predict(array([[[[1, 10]]]]))).data], [1, 2, 30, 40]);
  });
  it('with the BatchNorm after it, predicts an image alike in every batch', async () => {
    const model = new Sequential([new Conv2d(8, 3, { padding: 1 }), new BatchNorm()], { seed: 1 }).build([4, 4, 8]);
    model.setWeights(new Map([...model.weights()].map(([path, w]) => [path, array(w.data.map((x) => 0.3 + Math.abs(x)), w.shape)]))); // prettier-ignore
    const x = array(new Philox(2).normal(17 * 128), [17, 4, 4, 8]);
    const whole = await model.predict(x);
    assert.deepEqual(await model.predict(x, { batchSize: 1 }), whole);
    assert.deepEqual(await model.predict(x, { batchSize: 16 }), whole);
  });
  it('summary() counts two operations a product', () => {
    const { flops, parameters } = network().build([8, 8, 3]).summary(2);
    assert.equal(parameters, 9 * 3 * 8 + 8 + 9 * 8 + 8 + 128 * 10 + 10);
    // Bias and activation are part of the instruction and cost no pass; they are not counted for products of matrices either.
    assert.equal(flops, 2 * (2 * 64 * 9 * 3 * 8 + 2 * 16 * 9 * 8 + 2 * 128 * 10));
  });
});
