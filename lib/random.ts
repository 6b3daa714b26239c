/** Random numbers on the host: initial values and shuffles. */
export interface Random {
  /** `count` floats in [low, high). */
  uniform(count: number, low?: number, high?: number): Float32Array;
  /** `count` normally distributed floats. */
  normal(count: number, mean?: number, deviation?: number): Float32Array;
  /** 0 … count − 1 in random order. */
  permutation(count: number): Int32Array;
}
