import type { Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { ones, zeros } from '../init.js';
import { boolean, positiveFloat } from '../options.js';
import type { Scope } from './scope.js';

/** Options that normalisations share. */
export const normRules = { eps: positiveFloat, affine: boolean };

/** Factor and offset of what a normalisation gives, ones and zeros at first; neither unless it is affine. */
export function affineParameters(
  scope: Scope,
  shape: Shape,
  isAffine: boolean,
): { readonly weight: Tensor | undefined; readonly bias: Tensor | undefined } {
  if (!isAffine) return { weight: undefined, bias: undefined };
  return { weight: scope.parameter('weight', shape, ones()), bias: scope.parameter('bias', shape, zeros()) };
}
