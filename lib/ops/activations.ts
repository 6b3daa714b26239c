/** Activations made of elementwise operations, with parameters as the layers of their names have. */
import type { Tensor } from '../graph/tensor.js';
import { check, finite, oneOf } from '../options.js';
import { type Operand, add, erf, expm1, greater, mul, sigmoid, square, tanh, tensorOf, where } from './elementwise.js';

/**
 * x · Φ(x), Φ of the standard normal distribution: x · ½ · (1 + erf(x / √2)), or with 'tanh' x · ½ · (1 + tanh(√(2/π) · (x + 0.044715 · x³))).
 * @param approximate Default: 'none'
 * @throws OptionError if approximate is neither 'none' nor 'tanh'
 * @see Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415
 */
export function gelu(x: Operand, approximate: 'none' | 'tanh' = 'none'): Tensor {
  const t = tensorOf('gelu', x);
  check('gelu', 'approximate', approximate, oneOf('none', 'tanh'));
  const cubic = (): Tensor => mul(mul(t, Math.sqrt(2 / Math.PI)), add(mul(square(t), 0.044715), 1));
  return mul(mul(t, 0.5), add(approximate === 'tanh' ? tanh(cubic()) : erf(mul(t, Math.SQRT1_2)), 1));
}

/**
 * x · sigmoid(x), also called swish
 * @see Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415
 */
export function silu(x: Operand): Tensor {
  const t = tensorOf('silu', x);
  return mul(t, sigmoid(t));
}

/**
 * x > 0 ? x : alpha · (eˣ − 1)
 * @param alpha minus the limit for x → −∞. Default: 1
 * @throws OptionError if alpha is not finite
 * @see Clevert et al. 2015, https://arxiv.org/abs/1511.07289
 */
export function elu(x: Operand, alpha: number = 1): Tensor {
  const t = tensorOf('elu', x);
  check('elu', 'alpha', alpha, finite);
  const above = greater(t, 0);
  // The exponential never sees the positive values: where they overflow, its gradient would be 0 · ∞.
  return where(above, t, mul(expm1(where(above, 0, t)), alpha));
}

/**
 * x > 0 ? x : negativeSlope · x
 * @param negativeSlope Default: 0.01
 * @throws OptionError if negativeSlope is not finite
 */
export function leakyRelu(x: Operand, negativeSlope: number = 0.01): Tensor {
  const t = tensorOf('leakyRelu', x);
  check('leakyRelu', 'negativeSlope', negativeSlope, finite);
  return where(greater(t, 0), t, mul(t, negativeSlope));
}
