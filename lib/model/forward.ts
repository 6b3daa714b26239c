/** One call of a layer's forward, and what it may give. */
import { LanewiseError, ShapeError } from '../errors.js';
import { type Outputs, isOutputs } from '../graph/outputs.js';
import { Tensor } from '../graph/tensor.js';
import type { Scope } from '../layers/scope.js';
import { kindOf } from '../options.js';
import type { AnyLayer } from './trace.js';

/** @throws ShapeError if it takes another number of inputs, or gives neither a tensor nor tensors by name */
export function forward(layer: AnyLayer, inputs: readonly Tensor[], scope: Scope): Outputs {
  // Of `...rest` nothing is known, and the scope may be left out.
  const takes = layer.forward.length;
  const refuse = (cause?: unknown): never => {
    const wanted = `${takes - 1} input${takes === 2 ? '' : 's'}`;
    throw new ShapeError(`expected ${wanted}, got ${inputs.length}. Give as many as its forward takes.`, { cause });
  };
  if (takes > inputs.length + 1) refuse();
  let output: unknown;
  try {
    output = layer.forward(...inputs, scope);
  } catch (error) {
    // An input was taken for the scope.
    if (error instanceof TypeError && takes > 1 && takes <= inputs.length) refuse(error);
    throw error;
  }
  if (isOutputs(output)) return output;
  const advice = Array.isArray(output) ? ' Give several outputs by name: { a, b }.' : '';
  throw new ShapeError(`expected forward to return a tensor, or tensors by name, got ${kindOf(output)}.${advice}`);
}

/** @throws ShapeError for several */
export function single(outputs: Outputs): Tensor {
  if (outputs instanceof Tensor) return outputs;
  throw new ShapeError(
    `expected one output, got ${Object.keys(outputs).join(', ')}. Of a layer within a model scope.enter() gives them by name.`,
  );
}

/** Adds the layer's name and path to an error that has none yet. */
export function located(error: unknown, name: string, path: string): unknown {
  if (!(error instanceof LanewiseError) || error.layer !== undefined) return error;
  error.layer = path;
  const text = error.message.startsWith(`${name}: `) ? error.message.slice(name.length + 2) : error.message;
  error.message = path === '' ? `${name}: ${text}` : `${name} "${path}": ${text}`;
  return error;
}
