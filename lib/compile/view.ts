/** Tensors that are other tensors read through strides: reshape, broadcast, transpose and slice need no instruction of their own. */
import type { Operation } from '../graph/operation.js';
import { type Shape, rowMajorStrides, sizeOf } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { Broadcast, broadcastStrides } from '../ops/broadcast.js';
import { ReshapeOp, Slice, Transpose } from '../ops/shape.js';

/** Element (i, j, …) of the tensor is element offset + i · strides[0] + j · strides[1] + … of `base`. */
export interface View {
  readonly base: Tensor;
  readonly offset: number;
  readonly strides: readonly number[];
}

export function isView(op: Operation): boolean {
  return op instanceof ReshapeOp || op instanceof Broadcast || op instanceof Transpose || op instanceof Slice;
}

/** What t is another shape of. */
export function withoutReshapes(t: Tensor): Tensor {
  while (t.node.op instanceof ReshapeOp) t = t.node.inputs[0]!;
  return t;
}

/** Works out the view of each tensor, once. */
export class Views {
  private readonly known = new Map<Tensor, View>();

  /** The tensor as a view of one that is computed, bound or constant, or of one that no strides express and that is `written`. */
  of(tensor: Tensor): View {
    const chain: Tensor[] = [];
    let t = tensor;
    while (!this.known.has(t) && isView(t.node.op)) {
      chain.push(t);
      t = t.node.inputs[0]!;
    }
    let view = this.known.get(t) ?? whole(t);
    this.known.set(t, view);
    for (let i = chain.length - 1; i >= 0; i--) {
      view = viewed(chain[i]!, view);
      this.known.set(chain[i]!, view);
    }
    return view;
  }
}

export function whole(t: Tensor): View {
  return { base: t, offset: 0, strides: rowMajorStrides(t.shape) };
}

/** The view of `t`, whose one input is seen as `x`. */
function viewed(t: Tensor, x: View): View {
  const { op } = t.node;
  const input = t.node.inputs[0]!;
  if (op instanceof ReshapeOp) {
    const strides = reshapeStrides(input.shape, x.strides, t.shape);
    return strides === undefined ? { base: input, offset: 0, strides: rowMajorStrides(t.shape) } : { ...x, strides };
  }
  if (op instanceof Broadcast) return { ...x, strides: repeatStrides(input.shape, x.strides, t.shape) };
  if (op instanceof Transpose) return { ...x, strides: op.axes.map((axis) => x.strides[axis]!) };
  if (op instanceof Slice) return { ...x, offset: op.start.reduce((sum, at, i) => sum + at * x.strides[i]!, x.offset) };
  throw new Error(`view: ${op.name} is not a view`);
}

/** Strides over `to` of something with `strides` over `from`, repeated: 0 along new and size-1 dimensions. */
export function repeatStrides(from: Shape, strides: readonly number[], to: Shape): readonly number[] {
  const repeated = broadcastStrides(from, to);
  const lead = to.length - from.length;
  return repeated.map((stride, i) => (stride === 0 ? 0 : strides[i - lead]!));
}

export function isContiguous(shape: Shape, strides: readonly number[]): boolean {
  let expected = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] !== 1 && strides[i] !== expected) return sizeOf(shape) === 0;
    expected *= shape[i]!;
  }
  return true;
}

/** Index space and strides with size-1 dimensions dropped and neighbours merged where every stride list allows; rank ≥ 1. */
export function collapse(dims: Shape, strides: readonly (readonly number[])[]): { dims: number[]; strides: number[][] } {
  const kept: number[] = [];
  const out: number[][] = strides.map(() => []);
  for (let i = 0; i < dims.length; i++) {
    if (dims[i] === 1) continue;
    const last = kept.length - 1;
    if (last >= 0 && strides.every((s, j) => out[j]![last] === s[i]! * dims[i]!)) {
      kept[last] = kept[last]! * dims[i]!;
      strides.forEach((s, j) => (out[j]![last] = s[i]!));
    } else {
      kept.push(dims[i]!);
      strides.forEach((s, j) => out[j]!.push(s[i]!));
    }
  }
  if (kept.length === 0) {
    kept.push(1);
    for (const s of out) s.push(0);
  }
  return { dims: kept, strides: out };
}

/** Strides of the same elements under another shape, or undefined if a copy is needed. */
export function reshapeStrides(from: Shape, strides: readonly number[], to: Shape): readonly number[] | undefined {
  if (sizeOf(from) === 0) return rowMajorStrides(to);
  const { dims, strides: merged } = collapse(from, [strides]);
  const [own] = merged as [number[]];
  const result = new Array<number>(to.length).fill(0);
  // Each merged dimension must be a product of consecutive new dimensions.
  let at = dims.length - 1;
  let filled = 1;
  for (let i = to.length - 1; i >= 0; i--) {
    if (to[i] === 1) continue;
    if (filled === dims[at]) {
      at--;
      filled = 1;
    }
    result[i] = own[at]! * filled;
    filled *= to[i]!;
    if (dims[at]! % filled !== 0) return undefined;
  }
  return result;
}
