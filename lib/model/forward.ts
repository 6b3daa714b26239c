/** One call of a layer's forward, and what it may give. */
import { DTypeError, LanewiseError, OptionError, ShapeError } from '../errors.js';
import { dependOn } from '../graph/depend.js';
import { type Outputs, isOutputs, partsOf } from '../graph/outputs.js';
import type { Tensor } from '../graph/tensor.js';
import type { Scope } from '../layers/scope.js';
import { kindOf } from '../options.js';
import { gotReturned } from '../returned.js';
import type { AnyLayer } from './trace.js';

/** A layer as errors call it: a class expression has no name. */
export function classOf(layer: AnyLayer): string {
  return layer.constructor.name || 'Layer';
}

/** A Sequential passes one input on. */
const further = ' Lengths and other further inputs need a layer of your own, whose forward gives them to the layers that take them.';

/**
 * @throws OptionError if it has no forward; ShapeError if that takes another number of inputs, or gives neither a tensor nor tensors by name
 */
export function forward(layer: AnyLayer, inputs: readonly Tensor[], scope: Scope): Outputs {
  const method = (layer as { readonly forward: unknown }).forward;
  if (typeof method !== 'function') throw new OptionError(`expected a method forward, got ${kindOf(method)}.`);
  // Of `(...args)` nothing is known, and the scope may be left out.
  const takes = method.length;
  const given = inputs.length;
  const inputsOf = (count: number): string => `${count} input${count === 1 ? '' : 's'}`;
  const refuse = (expected: string, cause?: unknown, advice = ''): never => {
    throw new ShapeError(`expected ${expected}, got ${given}. Give as many as its forward takes; (...args) takes any number.${advice}`, {
      cause,
    });
  };
  if (takes > given + 1) refuse(inputsOf(takes - 1));
  let output: unknown;
  try {
    output = layer.forward(...inputs, scope);
  } catch (error) {
    if (error instanceof TypeError && takes > 1 && takes === given) refuse(inputsOf(takes - 1), error, further); // It took an input for the scope,
    if (takes === given + 1 && isAbout(error, scope)) refuse(inputsOf(takes), error); // or the scope for an input.
    throw error;
  }
  if (isOutputs(output)) {
    // Rest and default parameters count in no length: they are those that the output depends on.
    const isSurplus = takes > 0 && takes < given && !dependOn(partsOf(output).map(([, value]) => value), inputs.slice(takes)); // prettier-ignore
    if (isSurplus) refuse(`at most ${inputsOf(takes)}`);
    return output;
  }
  const advice = Array.isArray(output) ? 'Give several outputs by name: { a, b }.' : '';
  throw new ShapeError(`expected forward to return a tensor, or tensors by name, ${gotReturned(output, advice)}`);
}

/** Whether an operation in this layer refused the scope. */
function isAbout(error: unknown, scope: Scope): boolean {
  return error instanceof DTypeError && error.layer === undefined && error.message.includes(`got ${kindOf(scope)}`);
}

/** Adds the layer's name and path to an error that has none yet. */
export function located(error: unknown, name: string, path: string): unknown {
  if (!(error instanceof LanewiseError) || error.layer !== undefined) return error;
  error.layer = path;
  const text = error.message.startsWith(`${name}: `) ? error.message.slice(name.length + 2) : error.message;
  error.message = path === '' ? `${name}: ${text}` : `${name} "${path}": ${text}`;
  return error;
}
