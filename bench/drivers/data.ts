import type { StepRequest } from '../cases/step.js';

export interface Data {
  /** [samples, sizes[0]] */
  readonly x: Float32Array;
  /** Class of each sample. */
  readonly y: Int32Array;
}

/** The same samples in every driver: see StepRequest; step_torch.py has the same formulas. */
export function makeData({ sizes, data, samples }: StepRequest): Data {
  const inputs = sizes[0]!;
  const classes = sizes.at(-1)!;
  const x = new Float32Array(samples * inputs);
  const y = new Int32Array(samples);
  if (data === 'xor') {
    for (let n = 0; n < samples; n++) {
      const [a, b] = [(n >> 1) & 1, n & 1];
      x.set([a, b, 1], n * 3);
      y[n] = a ^ b;
    }
    return { x, y };
  }
  for (let i = 0; i < x.length; i++) x[i] = (mix(i) >>> 8) / 2 ** 24 - 0.5;
  for (let n = 0; n < samples; n++) {
    const sums = new Float64Array(classes);
    for (let i = 0; i < inputs; i++) sums[i % classes]! += x[n * inputs + i]!;
    y[n] = sums.indexOf(Math.max(...sums));
  }
  return { x, y };
}

/** 32 well-mixed bits of a counter. */
function mix(counter: number): number {
  let h = Math.imul(counter + 1, 2654435761);
  h = Math.imul(h ^ (h >>> 15), 2246822519);
  return h ^ (h >>> 13);
}
