import assert from 'node:assert/strict';
import type { NdArray } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import { gradients } from '../../lib/graph/gradients.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import * as layers from '../../lib/layers/index.js';
import { trace } from '../../lib/model/trace.js';
import { square, sum } from '../../lib/ops/index.js';
import { type Packed, assertClose, readFixture, unpack } from '../support/fixtures.js';
import { assertAsFixture } from '../support/layer.js';

interface Case {
  readonly layer:
    | 'MaxPool1d'
    | 'MaxPool2d'
    | 'AvgPool1d'
    | 'AvgPool2d'
    | 'AdaptiveAvgPool2d'
    | 'Upsample2d'
    | 'GroupNorm'
    | 'InstanceNorm'
    | 'GlobalMaxPool2d';
  readonly arguments: readonly unknown[];
  readonly x: Packed;
  readonly y: Packed;
  readonly dy: Packed;
  readonly dx: Packed;
  readonly parameters?: Readonly<Record<string, Packed>>;
  readonly dparameters?: Readonly<Record<string, Packed>>;
}

interface BatchNormCase extends Readonly<
  Record<'y' | 'dy' | 'dx' | 'evaluated' | 'weight' | 'bias' | 'dweight' | 'dbias' | 'runningMean' | 'runningVar', Packed>
> {
  readonly momentum: number;
  readonly xs: readonly Packed[];
}

interface PenaltyCase extends Readonly<Record<'x' | 'slope' | 'dx', Packed>> {
  readonly layer: 'MaxPool1d' | 'MaxPool2d';
  readonly arguments: readonly [never, never];
}

const fixture = readFixture<{
  readonly cases: readonly Case[];
  readonly batchNorm: readonly BatchNormCase[];
  readonly penalties: readonly PenaltyCase[];
  readonly instances: readonly Case[];
}>('images');

/** Sums of at most 25 numbers of size 1, each rounded; normalisation also divides by a spread that a few roundings enter. */
const ulps = {
  MaxPool1d: 0,
  MaxPool2d: 0,
  AvgPool1d: 4,
  AvgPool2d: 4,
  AdaptiveAvgPool2d: 8,
  Upsample2d: 8,
  GroupNorm: 64,
  InstanceNorm: 64,
  GlobalMaxPool2d: 0,
} as const;

describe('pooling, sizes and normalisation against PyTorch', () => {
  for (const { layer, arguments: given, parameters = {}, dparameters = {}, ...values } of [...fixture.cases, ...fixture.instances]) {
    it(`${layer}(${given.map((v) => JSON.stringify(v)).join(', ')}) of [${values.x.shape.join()}]`, () => {
      const make = layers[layer] as new (...given: unknown[]) => layers.Layer;
      assertAsFixture(new make(...given), { ...values, parameters, dparameters }, ulps[layer]);
    });
  }

  fixture.batchNorm.forEach(({ momentum, xs, ...values }) => {
    it(`BatchNorm of [${xs[0]!.shape.join()}] over three steps, then in evaluation`, () => {
      const layer = new layers.BatchNorm({ momentum });
      const run = (training: boolean) =>
        compile((...tensors: Tensor[]) => {
          const [x, dy, weight, bias, runningMean, runningVar] = tensors as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
          const state = { weight, bias, runningMean, runningVar };
          const resolve = (_kind: string, path: string): Tensor => state[path as keyof typeof state];
          const { output, assigned } = trace(layer, [x], { training, seed: 0n, resolve });
          if (!training) return [output];
          return [output, assigned.get('runningMean')!, assigned.get('runningVar')!, ...gradients(output, [x, weight, bias], dy)];
        });
      const fixed = [unpack(values.dy), unpack(values.weight), unpack(values.bias)] as const;
      const channels = values.weight.shape;
      let running = [0, 1].map((v) => unpack({ shape: channels, data: new Array<number>(channels[0]!).fill(v) }));
      let results: readonly NdArray[] = [];
      for (const x of xs) {
        results = run(true).sync(unpack(x), ...fixed, ...running);
        running = results.slice(1, 3);
      }
      const names = ['y', 'runningMean', 'runningVar', 'dx', 'dweight', 'dbias'] as const;
      names.forEach((name, i) => assertClose(results[i]!, values[name], ulps.GroupNorm, name));
      const [evaluated] = run(false).sync(unpack(xs[0]!), ...fixed, ...running);
      assertClose(evaluated, values.evaluated, ulps.GroupNorm, 'evaluated');
    });
  });

  for (const { layer, arguments: given, x, slope, dx } of fixture.penalties) {
    it(`a gradient penalty through ${layer}(${given.map((v) => JSON.stringify(v)).join(', ')}) of [${x.shape.join()}]`, () => {
      const pool = new layers[layer](...given);
      const slopeOf = (a: Tensor): Tensor => gradients(sum(square(pool.forward(a))), [a])[0]!;
      const run = compile((a: Tensor) => [slopeOf(a), ...gradients(sum(square(slopeOf(a))), [a])] as const);
      const [first, second] = run.sync(unpack(x));
      assertClose(first, slope, 4, 'slope');
      assertClose(second!, dx, 8, 'dx');
    });
  }

  it('covers every layer', () =>
    assert.deepEqual(new Set([...fixture.cases, ...fixture.instances].map(({ layer }) => layer)), new Set(Object.keys(ulps))));
});
