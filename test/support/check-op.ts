/** Checks of functions of tensors: values on the addon, gradients of any order against differences in float64. */
import assert from 'node:assert/strict';
import { type NdArray, array } from '../../lib/array.js';
import { compile } from '../../lib/compile/compile.js';
import { gradients } from '../../lib/graph/gradients.js';
import { MemorySlot, type Source, constant, source } from '../../lib/graph/source.js';
import { type Shape, sizeOf } from '../../lib/graph/shape.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { add, mul, sum } from '../../lib/ops/index.js';
import { evaluate, memoryOf } from './evaluate.js';
import { generator } from './random-graph.js';
import { differenceError, differenceStep, float32Error } from './tolerances.js';

export type Fn = (...xs: readonly Tensor[]) => Tensor;

/** Reproducible values between low and high. */
export function sample(shape: Shape, seed = 1, low = -2, high = 2): NdArray<Float32Array> {
  const random = generator(seed + 17 * sizeOf(shape));
  return array(
    Float32Array.from({ length: sizeOf(shape) }, () => low + (high - low) * random()),
    shape,
  );
}

interface Traced {
  readonly tensors: readonly Tensor[];
  readonly memories: Map<MemorySlot, Float64Array>;
}

function sources(inputs: readonly NdArray[]): Traced {
  const memories = new Map<MemorySlot, Float64Array>();
  const tensors = inputs.map((x, i) => {
    const slot = new MemorySlot(`x${i}`, x.data.byteLength);
    memories.set(slot, memoryOf(x.data));
    return source(slot, 0, x.shape, x.dtype);
  });
  return { tensors, memories };
}

/** The function computed by the addon agrees with float64. @param operations roundings on the way to one element */
export function checkForward(fn: Fn, inputs: readonly NdArray[], operations = 4): void {
  const { tensors, memories } = sources(inputs);
  const [expected] = evaluate([fn(...tensors)], memories);
  const result = compile(fn).sync(...inputs);
  checkClose(result.data, expected!, float32Error(operations));
}

export function checkClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  const scale = Math.max(1, ...Array.from(expected, (x) => (Number.isFinite(x) ? Math.abs(x) : 0)));
  for (let i = 0; i < actual.length; i++) {
    if (Object.is(actual[i], expected[i]) || actual[i] === expected[i]) continue;
    assert.ok(
      Math.abs(actual[i]! - expected[i]!) <= tolerance * scale,
      `element ${i}: expected ${expected[i]}, got ${actual[i]} (tolerance ${tolerance * scale})`,
    );
  }
}

/** A scalar that depends on every element of the output in its own way. */
function weighed(y: Tensor): Tensor {
  return sum(mul(y, constant(sample(y.shape, 5).data, y.shape)));
}

/**
 * The gradient with respect to each float32 input agrees with central differences in float64.
 * @param order 2 checks the gradient of the gradient as well
 */
export function checkGradient(fn: Fn, inputs: readonly NdArray[], order: 1 | 2 = 1): void {
  const { tensors, memories } = sources(inputs);
  const variables = tensors.filter((t) => t.dtype === 'float32');
  let value = weighed(fn(...tensors));
  for (let n = 1; n <= order; n++) {
    const slopes = gradients(value, variables);
    compareSlopes(value, variables, slopes, memories);
    value = slopes.map(weighed).reduce((a, b) => add(a, b));
  }
}

function compareSlopes(
  value: Tensor,
  variables: readonly Tensor[],
  slopes: readonly Tensor[],
  memories: Map<MemorySlot, Float64Array>,
): void {
  const analytic = evaluate(slopes, memories);
  const slots = [...memories.keys()];
  variables.forEach((x, v) => {
    const slot = slots.find((s) => s.name === (x.node.op as Source).slot.name)!;
    const numeric = Float64Array.from({ length: x.size }, (_, i) => {
      const at = (h: number): number => {
        const moved = memories.get(slot)!.slice();
        moved[4 * i] = moved[4 * i]! + h;
        return evaluate([value], new Map(memories).set(slot, moved))[0]![0]!;
      };
      return (at(differenceStep) - at(-differenceStep)) / (2 * differenceStep);
    });
    checkClose(analytic[v]!, numeric, differenceError);
  });
}
