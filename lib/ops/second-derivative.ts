import { StateError } from '../errors.js';
import type { Node } from '../graph/tensor.js';

/** @throws StateError in the name of the layer, if there is one, for an operation that is differentiable once */
export function refuseSecondDerivative({ label }: Node, name: string, advice: string): never {
  const layer = label.replace(' (backward)', '') || name;
  throw new StateError(`${layer}: expected a first derivative, got the second derivative of ${name}, which is not there. ${advice}`);
}
