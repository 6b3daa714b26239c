import { DTypeError, StateError } from '../errors.js';
import type { Instruction } from '../compile/instructions/index.js';
import { numberKey } from '../numbering.js';
import { isRecord, kindOf } from '../options.js';
import { gotReturned } from '../returned.js';
import { oneByName } from './outputs.js';
import { checkShape } from './shape.js';
import { Node, Tensor, type TensorType } from './tensor.js';

/**
 * One kind of operation with its attributes as fields: shape rule, gradient and lowering in one place.
 * Concrete classes are final and immutable.
 */
export abstract class Operation {
  abstract readonly name: string;

  /** The attributes as text: two uses with the same class, key and inputs compute the same value. */
  key(): string {
    return textOf(Object.values(this));
  }

  /** Checks the inputs and gives the types of the outputs. @throws ShapeError, DTypeError */
  abstract infer(inputs: readonly Tensor[]): readonly TensorType[];

  /**
   * Vector-Jacobian product: given d(loss)/d(output) for each output (undefined: zero), d(loss)/d(input) for each input
   * (undefined: zero or not differentiable). Written in operations, so gradients of gradients come for free.
   */
  vjp(_node: Node, _dy: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    throw new StateError(`${this.name}: expected a differentiable operation, got one without a gradient. Use stopGradient() on its input.`);
  }

  /** Whether gradients go on to its inputs; false: its results are constants to gradients(). */
  readonly passesGradient: boolean = true;

  /** `expected …, got …` for a run that stopped at a bad index of this operation; undefined: the range of its rows or classes. */
  badIndex(_value: number, _inputs: readonly Tensor[]): string | undefined {
    return undefined;
  }

  /**
   * Instructions that compute the outputs from the inputs. None for what the compiler knows: elementwise operations, which it joins to maps,
   * views, sources and constants, and what stands for its input.
   */
  abstract lower(node: Node): readonly Instruction[];
}

/** What the field of an operation holds, as a text that nothing else has. @throws StateError for what only its identity tells from others */
function textOf(value: unknown): string {
  if (typeof value === 'number') return numberKey(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) return `[${value.map(textOf).join()}]`;
  if (isRecord(value)) return `{${textOf(Object.entries(value))}}`;
  if (value instanceof Object)
    throw new StateError(`Operation: expected numbers, texts, lists and records as fields, got ${kindOf(value)}. Write a key() beside it.`);
  return String(value);
}

/** Makes a node and returns its outputs. @throws DTypeError for what is no tensor; ShapeError for sizes that are no whole numbers ≥ 0 */
export function applyAll(op: Operation, inputs: readonly Tensor[]): readonly Tensor[] {
  for (const x of inputs) checkTensor(op.name, x);
  const types = op.infer(inputs);
  for (const { shape } of types) checkShape(shape, op.name);
  return new Node(op, inputs, types).outputs;
}

/** @throws DTypeError unless x, the operand of this name, is a tensor */
export function checkTensor(what: string, x: unknown, name = '', expected = 'a tensor'): asserts x is Tensor {
  if (x instanceof Tensor) return;
  const advice = oneByName(x) ?? 'Data come in as arguments of forward or of a compiled function, or by constant().';
  throw new DTypeError(`${what}: expected ${expected}${name && ` for ${name}`}, ${gotReturned(x, advice)}`);
}

/** Makes a node and returns its output, the first if it has several. @throws as applyAll */
export function apply(op: Operation, ...inputs: readonly Tensor[]): Tensor {
  return applyAll(op, inputs)[0]!;
}
