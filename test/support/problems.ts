/** Small learning problems with known answers. */
import { type NdArray, Philox, array } from '../../lib/index.js';

/** y = x · w + 1 with w = [1, 2, …], no noise. */
export function linearProblem(rows: number, features: number): { x: NdArray<Float32Array>; y: NdArray<Float32Array> } {
  const x = new Philox(7).normal(rows * features);
  const y = Float32Array.from({ length: rows }, (_, i) => {
    let sum = 1;
    for (let j = 0; j < features; j++) sum += x[i * features + j]! * (j + 1);
    return sum;
  });
  return { x: array(x, [rows, features]), y: array(y, [rows, 1]) };
}

/** Points on `classes` rays from the origin, each class one direction. */
export function classProblem(rows: number, features: number, classes: number): { x: NdArray<Float32Array>; y: NdArray<Int32Array> } {
  const centres = new Philox(1).normal(classes * features, 0, 2);
  const noise = new Philox(2).normal(rows * features);
  const y = Int32Array.from({ length: rows }, (_, i) => i % classes);
  const x = noise.map((value, i) => value + centres[y[Math.floor(i / features)]! * features + (i % features)]!);
  return { x: array(x, [rows, features]), y: array(y) };
}

/** An array [shape] of zeros. */
export function zeros(...shape: number[]): NdArray<Float32Array> {
  return array(new Float32Array(shape.reduce((n, size) => n * size, 1)), shape);
}
