import assert from 'node:assert/strict';
import type { NdArray } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import { gradients } from '../../lib/graph/gradients.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { Conv2d, Flatten, Linear, ReLU, Sequential } from '../../lib/layers/index.js';
import { CrossEntropyLoss } from '../../lib/losses/index.js';
import * as ops from '../../lib/ops/index.js';
import { SGD } from '../../lib/optimizers/index.js';
import { Trainer } from '../../lib/training/trainer.js';
import { type Packed, assertClose, readFixture, unpack } from '../support/fixtures.js';

type Operand = 'x' | 'w' | 'bias';
type Case = Readonly<Record<Operand | 'y' | 'dy' | `d${Operand}`, Packed>> &
  (
    | { readonly kind: 'conv2d'; readonly options: ops.Conv2dGeometry }
    | { readonly kind: 'conv1d'; readonly options: ops.Conv1dGeometry }
    | { readonly kind: 'convTranspose1d'; readonly options: ops.ConvTranspose1dGeometry }
    | { readonly kind: 'convTranspose2d'; readonly options: ops.ConvTranspose2dGeometry }
  );

interface ConvolutionFixture {
  readonly cases: readonly Case[];
  /** Computed by Winograd's transforms. */
  readonly transformed: readonly Case[];
  readonly convnet: {
    readonly x: Packed;
    readonly ids: Packed;
    readonly start: Readonly<Record<string, Packed>>;
    readonly losses: readonly number[];
    readonly end: Readonly<Record<string, Packed>>;
  };
}

function convolve({ kind, options }: Case, x: Tensor, w: Tensor, bias: Tensor | undefined): Tensor {
  switch (kind) {
    case 'conv2d':
      return ops.conv2d(x, w, { ...options, bias });
    case 'conv1d':
      return ops.conv1d(x, w, { ...options, bias });
    case 'convTranspose1d':
      return ops.convTranspose1d(x, w, { ...options, bias });
    case 'convTranspose2d':
      return ops.convTranspose2d(x, w, { ...options, bias });
    default:
      return kind satisfies never;
  }
}

const { cases, convnet, transformed } = readFixture<ConvolutionFixture>('convolutions');

/** y, dx, dw and dbias within so many units in the last place. */
function itMatches(fixture: Case, ulps: number): void {
  it(`${fixture.kind} [${fixture.x.shape.join()}] ∗ [${fixture.w.shape.join()}] ${JSON.stringify(fixture.options)}`, () => {
    const run = compile((x: Tensor, w: Tensor, bias: Tensor, dy: Tensor) => {
      const y = convolve(fixture, x, w, bias);
      return [y, ...gradients(y, [x, w, bias], dy)];
    });
    const operands = [fixture.x, fixture.w, fixture.bias, fixture.dy].map(unpack) as [NdArray, NdArray, NdArray, NdArray];
    run.sync(...operands).forEach((actual, i) => {
      const name = (['y', 'dx', 'dw', 'dbias'] as const)[i]!;
      assertClose(actual, fixture[name], ulps, name);
    });
  });
}

describe('convolutions against PyTorch', () => {
  // All numbers are multiples of 1/8, so every sum of products is exact in float32.
  for (const fixture of cases) itMatches(fixture, 0);
});

/**
 * A sum of n products of deviation 1 has partial sums of deviation √k, and each is rounded by 2^-24·√(k/3): n / √6 units of 2^-24 in all.
 * F(4×4, 3×3) makes that 2.7 times as much (native/test/winograd_test.cc). Of n = 153 products five deviations are 843 such units.
 */
const ulpsOfTransforms = 422;

describe('convolutions by transforms against PyTorch', () => {
  for (const fixture of transformed) {
    const { shape } = fixture.x;
    itMatches(fixture, ulpsOfTransforms);
    it(`goes by transforms: [${shape.join()}]`, () => {
      const [x, w] = [fixture.x, fixture.w].map(unpack) as [NdArray, NdArray];
      const text = compile((image: Tensor, kernel: Tensor) => convolve(fixture, image, kernel, undefined)).describe(x, w);
      assert.match(text, /winogradConv/);
    });
  }
});

/**
 * A gradient passes sums of 18, 36 and 12 products and adds up those of at most 96 pixels: some 162 roundings of half a unit, of which
 * the learning rate lets 1/20 into the parameters. The parameter's own rounding makes it 5 a step.
 */
const ulpsPerStep = 5;
/** The forward sums, and a few more in the loss. */
const ulpsOfLoss = 40;

describe('a convolutional network against PyTorch', () => {
  it(`has its losses and parameters for ${convnet.losses.length} steps`, async () => {
    const model = new Sequential([new Conv2d(4, 3), new ReLU(), new Conv2d(3, 3, { stride: 2, padding: 1 }), new ReLU(), new Flatten(), new Linear(3)]); // prettier-ignore
    model.build(convnet.x.shape.slice(1));
    model.setWeights(new Map(Object.entries(convnet.start).map(([path, value]) => [path, unpack(value)])));
    const trainer = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.05 }) });
    const batch = { x: unpack(convnet.x), y: unpack(convnet.ids) };
    for (const [step, expected] of convnet.losses.entries()) {
      const { loss } = await trainer.step(batch);
      const tolerance = (ulpsOfLoss + ulpsPerStep * step) * 2 ** -23 * Math.max(1, expected);
      assert.ok(Math.abs(loss - expected) <= tolerance, `step ${step}: expected ${expected}, got ${loss}`);
    }
    const weights = model.weights();
    for (const [path, expected] of Object.entries(convnet.end))
      assertClose(weights.get(path)!, expected, ulpsPerStep * convnet.losses.length, path);
  });
});
