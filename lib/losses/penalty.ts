/** Penalties on large weights, added to the loss. */
import { scalar } from '../graph/source.js';
import type { Tensor } from '../graph/tensor.js';
import { abs, add, mul, sum, sumSquares } from '../ops/index.js';
import { check, nonNegative } from '../options.js';

/** A number to be added to the loss, from the weights it concerns. */
export type Penalty = (weights: readonly Tensor[]) => Tensor;

/**
 * λ · Σ |w| over all weights: drives weights that the loss does not need towards zero. They end near it, about a step of the optimizer
 * away, and not at it: count those below a threshold as none.
 * @throws OptionError unless λ ≥ 0
 * @see Tibshirani 1996, https://doi.org/10.1111/j.2517-6161.1996.tb02080.x; https://keras.io/api/layers/regularizers
 */
export function l1(lambda: number): Penalty {
  check('l1', 'lambda', lambda, nonNegative);
  return (weights) => total(lambda, weights, (w) => sum(abs(w)));
}

/**
 * λ · Σ w² over all weights: keeps weights small; its gradient is 2λ · w.
 * @throws OptionError unless λ ≥ 0
 * @see https://keras.io/api/layers/regularizers
 */
export function l2(lambda: number): Penalty {
  check('l2', 'lambda', lambda, nonNegative);
  return (weights) => total(lambda, weights, (w) => sumSquares(w));
}

function total(lambda: number, weights: readonly Tensor[], size: (w: Tensor) => Tensor): Tensor {
  return weights.length === 0
    ? scalar(0)
    : mul(
        weights.map(size).reduce((a, b) => add(a, b)),
        lambda,
      );
}
