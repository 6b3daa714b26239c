/** A layer with given parameters, forward and backward. */
import assert from 'node:assert/strict';
import { type NdArray, array } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import { gradcheck, type GradcheckOptions } from '../../lib/gradcheck.js';
import { gradients } from '../../lib/graph/gradients.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { type AnyLayer, trace } from '../../lib/model/trace.js';
import { Philox } from '../../lib/random.js';
import { type Packed, assertClose, unpack } from './fixtures.js';

export interface LayerRun {
  readonly y: NdArray;
  readonly dx: NdArray;
  readonly dparameters: ReadonlyMap<string, NdArray>;
}

/** What PyTorch's layer gave. */
export interface LayerFixture {
  readonly x: Packed;
  readonly dy: Packed;
  readonly parameters: Readonly<Record<string, Packed>>;
  readonly y: Packed;
  readonly dx: Packed;
  readonly dparameters: Readonly<Record<string, Packed>>;
}

/** Runs a layer as PyTorch's was, and compares. `held`: further inputs. */
export function assertAsFixture(layer: AnyLayer, fixture: LayerFixture, ulps: number, held: readonly NdArray[] = []): void {
  const parameters = new Map(Object.entries(fixture.parameters).map(([path, value]) => [path, unpack(value)]));
  const { y, dx, dparameters } = runLayer(layer, unpack(fixture.x), parameters, unpack(fixture.dy), held);
  assertClose(y, fixture.y, ulps, 'y');
  assertClose(dx, fixture.dx, ulps, 'dx');
  for (const [path, value] of Object.entries(fixture.dparameters)) assertClose(dparameters.get(path)!, value, ulps, `d(${path})`);
}

/** y, and the gradients of Σ dy · y with respect to x and each parameter. `held`: further inputs. */
export function runLayer(
  layer: AnyLayer,
  x: NdArray,
  parameters: ReadonlyMap<string, NdArray>,
  dy: NdArray,
  held: readonly NdArray[] = [],
): LayerRun {
  const paths = [...parameters.keys()];
  const f = compile((...tensors: Tensor[]) => {
    const [x, dy, ...others] = tensors as [Tensor, Tensor, ...Tensor[]];
    const values = others.slice(held.length);
    const resolve = (_kind: string, path: string): Tensor => values[paths.indexOf(path)]!;
    const { output } = trace(layer, [x, ...others.slice(0, held.length)], { training: true, seed: 0n, resolve });
    return [output, ...gradients(output, [x, ...values], dy)];
  });
  const [y, dx, ...dparameters] = f.sync(x, dy, ...held, ...parameters.values()) as readonly [NdArray, NdArray, ...NdArray[]];
  return { y, dx, dparameters: new Map(paths.map((path, i) => [path, dparameters[i]!])) };
}

/** Values with at least `gap` between them and 0, where a rectifier bends. */
export function awayFromZero(shape: readonly number[], gap = 0.1, seed = 1): NdArray<Float32Array> {
  const size = shape.reduce((n, k) => n * k, 1);
  return array(
    new Philox(seed).normal(size).map((x) => x + Math.sign(x) * gap),
    shape,
  );
}

export async function assertGradients(
  of: Parameters<typeof gradcheck>[0],
  inputs: readonly NdArray[],
  options: GradcheckOptions = {},
): Promise<void> {
  const { passed, inputs: results } = await gradcheck(of, inputs, options);
  assert.ok(passed, JSON.stringify(results, undefined, 2));
}
