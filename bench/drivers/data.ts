import type { StepRequest } from '../cases/step.js';

export interface Data {
  /** [samples, sizes[0]] */
  readonly x: Float32Array;
  /** Class of each sample. */
  readonly y: Int32Array;
}

/** The same samples in every driver: see StepRequest; step_torch.py has the same formulas. */
export function makeData({ sizes, data, samples, net }: StepRequest): Data {
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
  if (data === 'textures') {
    addBands(x, y, net!.image);
    return { x, y };
  }
  for (let n = 0; n < samples; n++) {
    const sums = new Float64Array(classes);
    for (let i = 0; i < inputs; i++) sums[i % classes]! += x[n * inputs + i]!;
    y[n] = sums.indexOf(Math.max(...sums));
  }
  return { x, y };
}

/** Five widths of bands along the rows, then five along the columns. */
function addBands(x: Float32Array, y: Int32Array, [h, w, c]: readonly [number, number, number]): void {
  for (let n = 0; n < y.length; n++) y[n] = n % 10;
  for (let i = 0; i < x.length; i++) {
    const texture = y[Math.floor(i / (h * w * c))]!;
    const position = Math.floor(i / (texture < 5 ? w * c : c)) % (texture < 5 ? h : w);
    x[i]! += Math.floor(position / (1 + (texture % 5))) % 2 === 0 ? 0.5 : -0.5;
  }
}

/** 32 well-mixed bits of a counter. */
export function mix(counter: number): number {
  let h = Math.imul(counter + 1, 2654435761);
  h = Math.imul(h ^ (h >>> 15), 2246822519);
  return h ^ (h >>> 13);
}
