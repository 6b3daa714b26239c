/** The rule Adam and AdamW share; they differ in their weight decay. */
import type { Tensor } from '../graph/tensor.js';
import { add, div, maximum, mul, sqrt, square, sub } from '../ops/index.js';
import { boolean, fraction, nonNegative, positiveFloat, rate, type Rules, tuple } from '../options.js';
import type { Schedule, Update } from './optimizer.js';

/** Options of {@link Adam} and {@link AdamW}. */
export interface AdamOptions {
  /** Learning rate. Default: 0.001. */
  readonly lr?: Schedule | undefined;
  /** What the running means of g and of g² keep in a step, β₁ and β₂. Default: [0.9, 0.999]. */
  readonly betas?: readonly [number, number] | undefined;
  /** Added to the root. Default: 1e-8. */
  readonly eps?: number | undefined;
  /** λ of the weight decay. Default: 0 for Adam, 0.01 for AdamW. */
  readonly weightDecay?: number | undefined;
  /** Divide by the largest v so far. Default: false. */
  readonly amsgrad?: boolean | undefined;
}

export const defaultBetas: readonly [number, number] = Object.freeze([0.9, 0.999] as const);

export const adamRules: Rules<AdamOptions> = {
  lr: rate,
  betas: tuple(2, fraction),
  eps: positiveFloat,
  weightDecay: nonNegative,
  amsgrad: boolean,
};

/** Options of {@link Adam} and {@link AdamW} with their defaults filled in. */
export interface Moments {
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly amsgrad: boolean;
}

export function momentSlots(amsgrad: boolean): readonly string[] {
  return amsgrad ? ['m', 'v', 'vMax'] : ['m', 'v'];
}

export const momentScalars: readonly string[] = ['stepSize', 'rootScale'];

/** Bias corrections for the step, which counts from 0: lr / (1 − β₁ᵗ) and 1 / √(1 − β₂ᵗ), t = step + 1. */
export function writeMomentScalars(
  [beta1, beta2]: readonly [number, number],
  out: Float32Array,
  at: number,
  step: number,
  lr: number,
): void {
  out[at] = lr / (1 - beta1 ** (step + 1));
  out[at + 1] = 1 / Math.sqrt(1 - beta2 ** (step + 1));
}

/** m ← β₁·m + (1 − β₁)·g;  v ← β₂·v + (1 − β₂)·g²;  p ← p − stepSize · m / (rootScale·√v + eps) */
export function momentUpdate(
  { betas: [beta1, beta2], eps, amsgrad }: Moments,
  parameter: Tensor,
  g: Tensor,
  slots: Readonly<Record<string, Tensor>>,
  scalars: Readonly<Record<string, Tensor>>,
): Update {
  const m = add(mul(slots['m']!, beta1), mul(g, 1 - beta1));
  const v = add(mul(slots['v']!, beta2), mul(square(g), 1 - beta2));
  const vMax = amsgrad ? maximum(slots['vMax']!, v) : v;
  const root = add(mul(sqrt(vMax), scalars['rootScale']!), eps);
  const next = sub(parameter, mul(div(m, root), scalars['stepSize']!));
  return { parameter: next, slots: amsgrad ? { m, v, vMax } : { m, v } };
}
