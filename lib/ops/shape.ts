/** Operations that move or rename elements without computing: reshape, transpose, slice, pad, concat, stack, unstack, split, pack. */
import { DTypeError, OptionError, ShapeError, formatShape } from '../errors.js';
import { apply, applyAll, checkTensor, Operation } from '../graph/operation.js';
import { type Shape, isShape, normalizeAxis, rowMajorStrides, sameShape, showSizes, sizeOf } from '../graph/shape.js';
import { type Node, type Tensor, type TensorType, floats } from '../graph/tensor.js';
import { type Instruction, copyOf } from '../compile/instructions/index.js';
import { check, nonNegativeInteger, show } from '../options.js';
import { checkNumbers, checkTensorList, number } from './arguments.js';

/** The same bytes under another shape: no instruction, the compiler lets both share their storage. */
export class ReshapeOp extends Operation {
  readonly name = 'reshape';

  constructor(
    readonly shape: Shape,
    override readonly passesGradient: boolean = true,
  ) {
    super();
  }

  infer([x]: readonly Tensor[]): readonly TensorType[] {
    return [{ shape: this.shape, dtype: x!.dtype }];
  }

  override vjp(node: Node, [dy]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    return [dy && reshape(dy, node.inputs[0]!.shape)];
  }

  lower(): readonly never[] {
    return [];
  }
}

/**
 * x with another shape of the same size; one entry may be −1 and is worked out.
 * @throws DTypeError for what is no tensor; ShapeError unless shape is a list of sizes, −1 once at most, of as many elements
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  checkTensor('reshape', x);
  checkNumbers('reshape', 'shape', shape);
  const known = shape.reduce((product, n) => (n === -1 ? product : product * n), 1);
  const target = shape.map((n) => (n === -1 ? x.size / known : n));
  if (shape.filter((n) => n === -1).length > 1 || !isShape(target) || sizeOf(target) !== x.size) {
    throw new ShapeError(
      `reshape: expected a shape of ${x.size} elements, got ${formatShape(shape)} for x of shape ${formatShape(x.shape)}.`,
    );
  }
  return sameShape(target, x.shape) ? x : apply(new ReshapeOp(target), x);
}

export class Transpose extends Operation {
  readonly name = 'transpose';

  constructor(readonly axes: readonly number[]) {
    super();
  }

  infer([x]: readonly Tensor[]): readonly TensorType[] {
    return [{ shape: this.axes.map((axis) => x!.shape[axis]!), dtype: x!.dtype }];
  }

  override vjp(_node: Node, [dy]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    return [
      dy &&
        transpose(
          dy,
          this.axes.map((_, i) => this.axes.indexOf(i)),
        ),
    ];
  }

  lower(): readonly never[] {
    return [];
  }
}

/**
 * x with its dimensions in the order `axes`; without it the last two are swapped.
 * @throws DTypeError for what is no tensor; ShapeError unless axes has each axis once, or x rank ≥ 2 without it
 */
export function transpose(x: Tensor, axes?: readonly number[]): Tensor {
  checkTensor('transpose', x);
  if (axes !== undefined) checkNumbers('transpose', 'axes', axes);
  if (axes === undefined && x.rank < 2) throw new ShapeError(`transpose: expected x of rank ≥ 2, got ${formatShape(x.shape)}.`);
  const order = (axes ?? [...Array.from({ length: x.rank - 2 }, (_, i) => i), x.rank - 1, x.rank - 2]).map((axis) =>
    normalizeAxis('transpose', axis, x.rank),
  );
  if (new Set(order).size !== x.rank || order.length !== x.rank) {
    throw new ShapeError(`transpose: expected each of the ${x.rank} axes once, got ${formatShape(axes ?? [])}.`);
  }
  return order.every((axis, i) => axis === i) ? x : apply(new Transpose(order), x);
}

export class Slice extends Operation {
  readonly name = 'slice';

  constructor(
    readonly start: readonly number[],
    readonly size: Shape,
  ) {
    super();
  }

  infer([x]: readonly Tensor[]): readonly TensorType[] {
    return [{ shape: this.size, dtype: x!.dtype }];
  }

  override vjp(node: Node, [dy]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    const whole = node.inputs[0]!.shape;
    return [
      dy &&
        pad(
          dy,
          this.start.map((start, i) => [start, whole[i]! - start - this.size[i]!] as const),
        ),
    ];
  }

  lower(): readonly never[] {
    return [];
  }
}

/**
 * The block of x that begins at `start` and has shape `size` (−1: to the end).
 * @throws DTypeError for what is no tensor; ShapeError unless the block lies inside x
 */
export function slice(x: Tensor, start: readonly number[], size: Shape): Tensor {
  checkTensor('slice', x);
  checkNumbers('slice', 'start', start);
  checkNumbers('slice', 'size', size);
  const sizes = size.map((n, i) => (n === -1 ? (x.shape[i] ?? 0) - (start[i] ?? 0) : n));
  const inside =
    start.length === x.rank &&
    sizes.length === x.rank &&
    start.every((s, i) => Number.isInteger(s) && s >= 0 && sizes[i]! >= 0 && s + sizes[i]! <= x.shape[i]!);
  if (!inside)
    throw new ShapeError(
      `slice: expected a block inside ${formatShape(x.shape)}, got start ${formatShape(start)} and size ${formatShape(size)}.`,
    );
  return sameShape(sizes, x.shape) ? x : apply(new Slice(start, sizes), x);
}

export class PadOp extends Operation {
  readonly name = 'pad';

  constructor(
    readonly widths: readonly (readonly [number, number])[],
    readonly value: number,
  ) {
    super();
  }

  infer([x]: readonly Tensor[]): readonly TensorType[] {
    checkFloats(this.name, x!);
    return [floats(x!.shape.map((n, i) => this.widths[i]![0] + n + this.widths[i]![1]))];
  }

  override vjp(node: Node, [dy]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    return [
      dy &&
        slice(
          dy,
          this.widths.map(([before]) => before),
          node.inputs[0]!.shape,
        ),
    ];
  }

  lower(node: Node): readonly Instruction[] {
    const [x] = node.inputs;
    const out = node.outputs[0]!;
    const strides = rowMajorStrides(out.shape);
    const start = dot(
      this.widths.map(([before]) => before),
      strides,
    );
    const fill = { kind: 'fill', out, outOffset: 0, count: out.size, value: this.value } as const;
    return x!.size === 0 ? [fill] : [fill, copyOf(out, x!, { outOffset: start, outStrides: strides })];
  }
}

/** x with `widths[i] = [before, after]` elements of `value`, default 0, added along each dimension. @throws DTypeError unless x is float32 */
export function pad(x: Tensor, widths: readonly (readonly [number, number])[], value = 0): Tensor {
  checkTensor('pad', x);
  check('pad', 'value', value, number);
  if (!arePairs(widths) || widths.length !== x.rank)
    throw new OptionError(`pad: expected ${x.rank} pairs of whole numbers ≥ 0, one a dimension of x, got ${show(widths)}.`);
  return widths.flat().every((n) => n === 0) ? x : apply(new PadOp(widths, value), x);
}

function arePairs(widths: unknown): boolean {
  return Array.isArray(widths) && widths.every((pair) => isShape(pair) && pair.length === 2);
}

export class Concat extends Operation {
  readonly name = 'concat';

  constructor(readonly axis: number) {
    super();
  }

  infer(inputs: readonly Tensor[]): readonly TensorType[] {
    const [first] = inputs;
    const rest = (x: Tensor): Shape => x.shape.toSpliced(this.axis, 1);
    if (inputs.some((x) => x.dtype !== first!.dtype))
      throw new DTypeError(`concat: expected one element type, got ${inputs.map((x) => x.dtype).join(' and ')}. Cast them first.`);
    if (!inputs.every((x) => x.rank === first!.rank && sameShape(rest(x), rest(first!)))) {
      throw new ShapeError(
        `concat: expected shapes equal except along axis ${this.axis}, got ${inputs.map((x) => formatShape(x.shape)).join(' and ')}.`,
      );
    }
    const total = inputs.reduce((n, x) => n + x.shape[this.axis]!, 0);
    return [{ shape: first!.shape.with(this.axis, total), dtype: first!.dtype }];
  }

  override vjp(node: Node, [dy]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    let at = 0;
    return node.inputs.map((x) => {
      const start = x.shape.map((_, i) => (i === this.axis ? at : 0));
      at += x.shape[this.axis]!;
      return dy && slice(dy, start, x.shape);
    });
  }

  lower(node: Node): readonly Instruction[] {
    const out = node.outputs[0]!;
    const strides = rowMajorStrides(out.shape);
    let at = 0;
    return node.inputs.map((x) => {
      const start = at * strides[this.axis]!;
      at += x.shape[this.axis]!;
      return copyOf(out, x, { outOffset: start, outStrides: strides });
    });
  }
}

/**
 * The tensors one after another along `axis`, default 0: [A, B] and [C, B] → [A + C, B].
 * @throws DTypeError for what is no list of tensors of one type; OptionError for none; ShapeError if there is no such axis or the other sizes differ
 */
export function concat(xs: readonly Tensor[], axis = 0): Tensor {
  checkTensorList('concat', xs, 'concatRows');
  const [first] = xs;
  if (first === undefined) throw new OptionError('concat: expected at least one tensor, got none.');
  return xs.length === 1 ? first : apply(new Concat(normalizeAxis('concat', axis, first.rank)), ...xs);
}

/**
 * Tensors of one shape as one, along a new dimension `axis`, default 0: n of [A, B] → [A, n, B] for axis 1.
 * @throws ShapeError unless all have one shape that has such a place
 */
export function stack(xs: readonly Tensor[], axis = 0): Tensor {
  checkTensorList('stack', xs, 'stackRows');
  const [first] = xs;
  if (first === undefined) throw new OptionError('stack: expected at least one tensor, got none.');
  if (!xs.every((x) => sameShape(x.shape, first.shape)))
    throw new ShapeError(`stack: expected tensors of one shape, got ${xs.map((x) => formatShape(x.shape)).join(' and ')}.`);
  const at = normalizeAxis('stack', axis, first.rank + 1);
  return concat(
    xs.map((x) => reshape(x, x.shape.toSpliced(at, 0, 1))),
    at,
  );
}

/** Parts that together are x. Their gradients lie one after another at once, and are no sum. The compiler makes slices of the parts. */
export class Split extends Operation {
  readonly name = 'split';

  /** Where each part begins, and where the last one ends. */
  readonly #starts: readonly number[];

  constructor(
    readonly axis: number,
    readonly sizes: readonly number[],
  ) {
    super();
    const starts = [0];
    for (const size of sizes) starts.push(starts.at(-1)! + size);
    this.#starts = starts;
  }

  infer([x]: readonly Tensor[]): readonly TensorType[] {
    return this.sizes.map((size) => ({ shape: x!.shape.with(this.axis, size), dtype: x!.dtype }));
  }

  override vjp(_node: Node, dys: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    const known = dys.flatMap((dy, i) => (dy === undefined ? [] : [{ dy, begin: this.#starts[i]!, end: this.#starts[i + 1]! }]));
    // Parts without a gradient are zeros behind the part before them, or before the first.
    const padded = known.map(({ dy, begin, end }, i) => {
      const room = [i === 0 ? begin : 0, (known[i + 1]?.begin ?? this.#starts.at(-1)!) - end] as const;
      return pad(dy, dy.shape.map((_, d) => (d === this.axis ? room : [0, 0]))); // prettier-ignore
    });
    return [concat(padded, this.axis)];
  }

  lower(): readonly never[] {
    return [];
  }

  /** Where a part begins in x. */
  startOf(part: Tensor): readonly number[] {
    return part.shape.map((_, d) => (d === this.axis ? this.#starts[part.output]! : 0));
  }

  /** The parts one by one. */
  slices(x: Tensor, parts: readonly Tensor[]): readonly Tensor[] {
    return parts.map((part) => slice(x, this.startOf(part), part.shape));
  }
}

/**
 * The parts of x along `axis`, default 0, which goes: the inverse of stack. The steps of sequences [N, T, C] are `unstack(x, 1)`, columns of a
 * table [N, C] as well.
 * @throws DTypeError for what is no tensor; ShapeError if there is no such axis
 */
export function unstack(x: Tensor, axis = 0): readonly Tensor[] {
  checkTensor('unstack', x);
  const at = normalizeAxis('unstack', axis, x.rank);
  return split(x, new Array<number>(x.shape[at]!).fill(1), at).map((part) => reshape(part, x.shape.toSpliced(at, 1)));
}

/**
 * x cut along `axis`, default 0, into parts of these sizes, which together are its own: the inverse of concat.
 * @throws DTypeError for what is no tensor; ShapeError if there is no such axis or the sizes do not add up to its own
 */
export function split(x: Tensor, sizes: readonly number[], axis = 0): readonly Tensor[] {
  checkTensor('split', x);
  const at = normalizeAxis('split', axis, x.rank);
  const whole = isShape(sizes) ? sizes.reduce((sum, size) => sum + size, 0) : undefined;
  if (whole !== x.shape[at]) {
    throw new ShapeError(
      `split: expected sizes that add up to ${x.shape[at]} along axis ${at} of x ${formatShape(x.shape)}, got ${showSizes(sizes)}. For single parts, without the axis, there is unstack().`,
    );
  }
  return sizes.length === 1 ? [x] : applyAll(new Split(at, sizes), [x]);
}

export class Pack extends Operation {
  readonly name = 'pack';

  constructor(
    readonly offsets: readonly number[],
    readonly size: number,
  ) {
    super();
  }

  infer(inputs: readonly Tensor[]): readonly TensorType[] {
    for (const x of inputs) checkFloats(this.name, x);
    const ends = this.ends(inputs);
    const apart = [...this.offsets, this.size].every((next, i) => Number.isInteger(next) && next >= ends[i]!);
    if (this.offsets.length !== inputs.length || !apart) {
      throw new ShapeError(
        `pack: expected an offset for each tensor, ascending and apart, inside ${this.size} elements, got offsets ${formatShape(this.offsets)} for sizes ${formatShape(inputs.map((x) => x.size))}.`,
      );
    }
    return [floats([this.size])];
  }

  /** Where the tensor before each one ends. */
  private ends(inputs: readonly Tensor[]): readonly number[] {
    return [0, ...inputs.map((x, i) => this.offsets[i]! + x.size)];
  }

  override vjp(node: Node, [dy]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    return node.inputs.map((x, i) => dy && reshape(slice(dy, [this.offsets[i]!], [x.size]), x.shape));
  }

  lower(node: Node): readonly Instruction[] {
    const out = node.outputs[0]!;
    const copies = node.inputs.map((x, i) =>
      copyOf(out, x, { dims: [x.size], inStrides: [1], outOffset: this.offsets[i]!, outStrides: [1] }),
    );
    const ends = this.ends(node.inputs);
    const gaps = [...this.offsets, this.size].flatMap((next, i): Instruction[] =>
      next > ends[i]! ? [{ kind: 'fill', out, outOffset: ends[i]!, count: next - ends[i]!, value: 0 }] : [],
    );
    return [...copies, ...gaps];
  }
}

/**
 * One flat vector of `size` with each tensor at its offset (ascending, disjoint), zeros between. The compiler computes the tensors in place there.
 *
 * @throws DTypeError unless all are float32; ShapeError for offsets that are not so; OptionError for a size that is no whole number ≥ 0
 */
export function pack(xs: readonly Tensor[], offsets: readonly number[], size: number): Tensor {
  checkTensorList('pack', xs);
  checkNumbers('pack', 'offsets', offsets);
  check('pack', 'size', size, nonNegativeInteger);
  return apply(new Pack(offsets, size), ...xs);
}

function checkFloats(what: string, x: Tensor): void {
  if (x.dtype !== 'float32') throw new DTypeError(`${what}: expected float32, got ${x.dtype}. Cast it first.`);
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((total, x, i) => total + x * b[i]!, 0);
}
