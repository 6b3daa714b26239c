import { DTypeError } from '../errors.js';
import { type Outputs, whole } from '../graph/outputs.js';
import { Tensor } from '../graph/tensor.js';
import { inContext } from '../graph/trace-context.js';
import type { OutputOptions } from '../layers/layer.js';
import { boolean, checkOptions, isRecord, kindOf } from '../options.js';
import type { Model } from './model.js';

/**
 * The output of a model for tensors of any graph, with the weights as they are when that graph runs.
 * @param args inputs, and options after them or none
 */
export function outputOf(model: Model, args: readonly (Tensor | OutputOptions | undefined)[]): Outputs {
  const what = `${model.name}.outputOf`;
  const last: unknown = args.at(-1);
  const options: OutputOptions = isRecord(last) ? last : {};
  const { training = false } = checkOptions(what, options, { training: boolean });
  const hasOptions = isRecord(last) || (last === undefined && args.length > 1);
  const inputs = (hasOptions ? args.slice(0, -1) : args) as readonly Tensor[];
  const stranger = inputs.findIndex((x) => !(x instanceof Tensor));
  if (stranger >= 0) throw new DTypeError(`${what}: expected tensors, got ${kindOf(inputs[stranger])}. For arrays there is predict().`);
  model.checkBuilt();
  model.build(inputs.map(({ shape, dtype }) => ({ shape: shape.slice(1), dtype })));
  model.fill();
  model.settle();
  return inContext(model.built.seed, false, () => whole(model.trace(inputs, { training }).outputs));
}
