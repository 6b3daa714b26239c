/** What convolutions learn. */
import { type Shape, sizeOf } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import type { Initializer } from '../init.js';
import { type Rules, boolean, callable } from '../options.js';
import { defaultWeight, uniformOfFan } from './default-init.js';
import type { Scope } from './scope.js';

interface ConvParameterOptions {
  readonly bias?: boolean | undefined;
  readonly weightInit?: Initializer | undefined;
}

export const convParameterRules: Rules<ConvParameterOptions> = { bias: boolean, weightInit: callable };

/** The weight of this shape, whose sizes but the last make the fan, and the bias [outChannels] unless there is none. */
export function convParameters(
  shape: Shape,
  outChannels: number,
  { bias = true, weightInit = defaultWeight() }: ConvParameterOptions,
  scope: Scope,
): { readonly weight: Tensor; readonly bias: Tensor | undefined } {
  const weight = scope.parameter('weight', shape, weightInit);
  return { weight, bias: bias ? scope.parameter('bias', [outChannels], uniformOfFan(sizeOf(shape.slice(0, -1)))) : undefined };
}
