/**
 * Elementwise operations with broadcasting. None has a kernel of its own: the compiler fuses connected ones into one map.
 * A number stands for a scalar. int32 and uint8 operands are read as float32.
 */
import { DTypeError } from '../errors.js';
import { Operation, apply, checkTensor } from '../graph/operation.js';
import { scalar } from '../graph/source.js';
import { type Shape, broadcastShapes, checkShape, sameShape } from '../graph/shape.js';
import type { DType, Node, Tensor, TensorType } from '../graph/tensor.js';
import type { MapOp } from '../compile/instructions/index.js';
import { check, positiveFloat, show } from '../options.js';
import { number } from './arguments.js';
import { broadcastTo, sumTo } from './broadcast.js';
import { customGradient } from './custom-gradient.js';

/**
 * What an elementwise operation takes: a tensor, or one number for all elements. int32 and uint8 are read as float32, which holds whole
 * numbers up to 2²⁴ exactly.
 */
export type Operand = Tensor | number;

type Gradient = (dy: Tensor, y: Tensor, inputs: readonly Tensor[]) => readonly (Tensor | undefined)[];

/** One register-machine operation applied to every element; `identity` only converts the element type. */
export class Elementwise extends Operation {
  constructor(
    readonly name: MapOp | 'identity',
    private readonly gradient: Gradient,
    readonly dtype: DType = 'float32',
  ) {
    super();
  }

  override key(): string {
    return this.dtype;
  }

  infer(inputs: readonly Tensor[]): readonly TensorType[] {
    return [{ shape: broadcastShapes(this.name, ...inputs.map((x) => x.shape)), dtype: this.dtype }];
  }

  override vjp(node: Node, [dy]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    if (dy === undefined) return [];
    const dxs = this.gradient(dy, node.outputs[0]!, node.inputs);
    return dxs.map((dx, i) => dx && sumTo(dx, node.inputs[i]!.shape));
  }

  lower(): readonly never[] {
    return [];
  }
}

/** @throws DTypeError unless x, the operand of this name, is a tensor or a number */
export function tensorOf(what: string, x: Operand, name = 'x'): Tensor {
  if (typeof x === 'number') return scalar(x);
  if (typeof x === 'function')
    throw new DTypeError(
      `${what}: expected a tensor or a number for ${name}, got a function. An initializer such as zeros() makes first values of parameters; a tensor of one value is full(shape, value).`,
    );
  checkTensor(what, x, name, 'a tensor or a number');
  return x;
}

function unary(name: MapOp, gradient: (dy: Tensor, y: Tensor, x: Tensor) => Tensor | undefined): (x: Operand) => Tensor {
  const op = new Elementwise(name, (dy, y, [x]) => [gradient(dy, y, x!)]);
  return (x) => apply(op, tensorOf(name, x));
}

function binary(
  name: MapOp,
  gradient: (dy: Tensor, y: Tensor, a: Tensor, b: Tensor) => readonly [Tensor | undefined, Tensor | undefined],
): (a: Operand, b: Operand) => Tensor {
  const op = new Elementwise(name, (dy, y, [a, b]) => gradient(dy, y, a!, b!));
  return (a, b) => apply(op, tensorOf(name, a, 'a'), tensorOf(name, b, 'b'));
}

/** a + b */
export const add: (a: Operand, b: Operand) => Tensor = binary('add', (dy) => [dy, dy]);
/** a − b */
export const sub: (a: Operand, b: Operand) => Tensor = binary('sub', (dy) => [dy, neg(dy)]);
/** a · b */
export const mul: (a: Operand, b: Operand) => Tensor = binary('mul', (dy, _y, a, b) => [mul(dy, b), mul(dy, a)]);
/** a / b */
export const div: (a: Operand, b: Operand) => Tensor = binary('div', (dy, y, _a, b) => [div(dy, b), neg(div(mul(dy, y), b))]);
/** The larger of a and b; NaN if either is. Equal values share the gradient. */
export const maximum: (a: Operand, b: Operand) => Tensor = binary('maximum', (dy, _y, a, b) => [
  mul(dy, share(b, a)),
  mul(dy, share(a, b)),
]);
/** The smaller of a and b; NaN if either is. Equal values share the gradient. */
export const minimum: (a: Operand, b: Operand) => Tensor = binary('minimum', (dy, _y, a, b) => [
  mul(dy, share(a, b)),
  mul(dy, share(b, a)),
]);
/** aᵇ; a ≥ 0, or b a whole number. a⁰ has derivatives 0, at a = 0 too. */
export const pow: (a: Operand, b: Operand) => Tensor = binary('pow', (dy, y, a, b) => [
  mul(dy, mul(b, pow(a, where(equal(b, 0), 0, sub(b, 1))))),
  mul(dy, where(equal(a, 0), 0, mul(y, log(a)))),
]);

/** a < b as 1 or 0 */
export const less: (a: Operand, b: Operand) => Tensor = binary('less', () => [undefined, undefined]);
/** a ≤ b as 1 or 0 */
export const lessEqual: (a: Operand, b: Operand) => Tensor = binary('lessEqual', () => [undefined, undefined]);
/** a > b as 1 or 0 */
export const greater = (a: Operand, b: Operand): Tensor => less(tensorOf('greater', b, 'b'), tensorOf('greater', a, 'a'));
/** a ≥ b as 1 or 0 */
export const greaterEqual = (a: Operand, b: Operand): Tensor =>
  lessEqual(tensorOf('greaterEqual', b, 'b'), tensorOf('greaterEqual', a, 'a'));
/** a = b as 1 or 0 */
export const equal: (a: Operand, b: Operand) => Tensor = binary('equal', () => [undefined, undefined]);
/** a ≠ b as 1 or 0; 1 for NaN */
export const notEqual: (a: Operand, b: Operand) => Tensor = binary('notEqual', () => [undefined, undefined]);

/** −x */
export const neg: (x: Operand) => Tensor = unary('neg', (dy) => neg(dy));
/** |x|; gradient 0 at 0 */
export const abs: (x: Operand) => Tensor = unary('abs', (dy, _y, x) => mul(dy, sign(x)));
/** −1, 0 or 1; NaN stays NaN */
export const sign: (x: Operand) => Tensor = unary('sign', () => undefined);
/** √x */
export const sqrt: (x: Operand) => Tensor = unary('sqrt', (dy, y) => div(mul(dy, 0.5), y));
/** x² */
export const square: (x: Operand) => Tensor = unary('square', (dy, _y, x) => mul(dy, mul(x, 2)));
/** 1 / x */
export const reciprocal: (x: Operand) => Tensor = unary('reciprocal', (dy, y) => neg(mul(dy, square(y))));
/** Largest whole number ≤ x */
export const floor: (x: Operand) => Tensor = unary('floor', () => undefined);
/** Nearest whole number, halves to even */
export const round: (x: Operand) => Tensor = unary('round', () => undefined);
/** eˣ */
export const exp: (x: Operand) => Tensor = unary('exp', (dy, y) => mul(dy, y));
/** eˣ − 1, accurate near 0 */
export const expm1: (x: Operand) => Tensor = unary('expm1', (dy, _y, x) => mul(dy, exp(x)));
/** Natural logarithm */
export const log: (x: Operand) => Tensor = unary('log', (dy, _y, x) => div(dy, x));
/** ln(1 + x), accurate near 0 */
export const log1p: (x: Operand) => Tensor = unary('log1p', (dy, _y, x) => div(dy, add(x, 1)));
/** Hyperbolic tangent; gradient 1 − y² */
export const tanh: (x: Operand) => Tensor = unary('tanh', (dy, y) => mul(dy, sub(1, square(y))));
/** 1 / (1 + e⁻ˣ); gradient y·(1 − y) */
export const sigmoid: (x: Operand) => Tensor = unary('sigmoid', (dy, y) => mul(dy, mul(y, sub(1, y))));
/** Gauss error function */
export const erf: (x: Operand) => Tensor = unary('erf', (dy, _y, x) => mul(dy, mul(2 / Math.sqrt(Math.PI), exp(neg(square(x))))));
/** Sine of radians; NaN beyond ±10⁶ (±10⁴ without FMA), where a float's own steps are too coarse */
export const sin: (x: Operand) => Tensor = unary('sin', (dy, _y, x) => mul(dy, cos(x)));
/** Cosine of radians; NaN beyond ±10⁶ (±10⁴ without FMA), where a float's own steps are too coarse */
export const cos: (x: Operand) => Tensor = unary('cos', (dy, _y, x) => neg(mul(dy, sin(x))));
/** max(0, x); NaN stays NaN; gradient 0 at 0 */
export const relu: (x: Operand) => Tensor = unary('relu', (dy, y) => mul(dy, less(0, y)));
/** 1 where x is neither NaN nor infinite, else 0 */
export const isFinite: (x: Operand) => Tensor = unary('isFinite', () => undefined);

const selectOp = new Elementwise('select', (dy, _y, [condition]) => [undefined, where(condition!, dy, 0), where(condition!, 0, dy)]);
/**
 * condition ≠ 0 ? yes : no
 * @throws DTypeError for what is neither a tensor nor a number; ShapeError for shapes that do not broadcast
 */
export function where(condition: Operand, yes: Operand, no: Operand): Tensor {
  return apply(selectOp, tensorOf('where', condition, 'condition'), tensorOf('where', yes, 'yes'), tensorOf('where', no, 'no'));
}

/**
 * x held between low and high; gradient 0 outside, ½ at low and at high
 * @throws DTypeError for what is neither a tensor nor a number
 */
export function clip(x: Operand, low: number, high: number): Tensor {
  return minimum(maximum(tensorOf('clip', x), tensorOf('clip', low, 'low')), tensorOf('clip', high, 'high'));
}

/**
 * ln(1 + e^(beta·x)) / beta = max(x, 0) + ln(1 + e^(−beta·|x|)) / beta, which cannot overflow; gradient sigmoid(beta·x)
 * @param beta sharpness of the bend, > 0. Default: 1.
 * @throws OptionError unless beta > 0
 */
export function softplus(x: Operand, beta: number = 1): Tensor {
  const t = tensorOf('softplus', x);
  check('softplus', 'beta', beta, positiveFloat);
  const y = add(maximum(t, 0), div(log1p(exp(mul(abs(t), -beta))), beta));
  // Derived from the bends of max and |x| the gradient would be right at 0, but not its own.
  return customGradient(y, [t], (dy) => [mul(dy, softplusSlope(mul(t, beta)))]);
}

/** sigmoid(x) whose gradient is sigmoid(x) · sigmoid(−x), which keeps its digits where sigmoid(x) is near 1. */
export function softplusSlope(x: Tensor): Tensor {
  return customGradient(sigmoid(x), [x], (dy) => [mul(dy, mul(softplusSlope(x), softplusSlope(neg(x))))]);
}

const toFloat = new Elementwise('identity', (dy) => [dy]);
const toInt = new Elementwise('identity', () => [undefined], 'int32');
const toByte = new Elementwise('identity', () => [undefined], 'uint8');

const casts: Readonly<Record<DType, Elementwise>> = { float32: toFloat, int32: toInt, uint8: toByte };

/**
 * The same values as another element type. Float to integer truncates; what int32 does not hold, NaN included, becomes −2³¹, and uint8 is
 * the low byte of that. Between int32 and uint8 it goes through float32, which holds whole numbers up to 2²⁴ exactly.
 * @throws DTypeError if there is no such type
 */
export function cast(x: Tensor, dtype: DType): Tensor {
  checkTensor('cast', x);
  if (typeof dtype !== 'string' || !Object.hasOwn(casts, dtype))
    throw new DTypeError(`cast: expected 'float32', 'int32' or 'uint8' for dtype, got ${show(dtype)}.`);
  return x.dtype === dtype ? x : apply(casts[dtype], x);
}

/** x as float32, for the operation `what`. @throws DTypeError naming it if x is no tensor */
export function floatsOf(what: string, x: Tensor): Tensor {
  checkTensor(what, x);
  return cast(x, 'float32');
}

/** A tensor of one value. @throws ShapeError, OptionError unless shape is a list of sizes and value a number */
export function full(shape: Shape, value: number): Tensor {
  checkShape(shape, 'full');
  check('full', 'value', value, number);
  const filled = scalar(value);
  return sameShape(shape, []) ? filled : broadcastTo(filled, shape);
}

/** 1 where a < b, ½ where equal, else 0: how max and min split a gradient. */
function share(a: Tensor, b: Tensor): Tensor {
  return where(equal(a, b), 0.5, less(a, b));
}
