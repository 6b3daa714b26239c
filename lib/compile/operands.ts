/** Decides which views are read through strides and which must be written out, and finds what each tensor is read from. */
import { rowMajorStrides } from '../graph/shape.js';
import { Constant } from '../graph/source.js';
import type { Node, Tensor } from '../graph/tensor.js';
import { Elementwise } from '../ops/elementwise.js';
import { Gemm } from '../ops/matmul.js';
import { Concat, Pack, PadOp } from '../ops/shape.js';
import { type View, Views, isContiguous, isView, repeatStrides, withoutReshapes } from './view.js';

/** A run of elements of a buffer: a tensor that an instruction writes or that lies in a bound memory. */
export interface Location {
  readonly base: Tensor;
  /** In elements. */
  readonly offset: number;
}

export class Operands {
  private readonly views = new Views();
  private readonly written = new Set<Tensor>();

  /** @param order every node of the graph, inputs first; `values` are the tensors wanted from it */
  constructor(order: readonly Node[], values: readonly Tensor[]) {
    for (const node of order) {
      if (!isView(node.op)) this.visit(node);
    }
    for (const value of values) this.requireContiguous(value);
  }

  /** Whether an instruction writes this view or constant to a buffer of its own. */
  isWritten(t: Tensor): boolean {
    return this.written.has(t);
  }

  /** Where a tensor lies that some instruction reads as a contiguous array. */
  locate(t: Tensor): Location {
    const same = withoutReshapes(t);
    if (this.written.has(same)) return { base: same, offset: 0 };
    const { base, offset } = this.views.of(t);
    return { base, offset };
  }

  /** How a tensor is read through strides; the base may be a Constant. */
  source(t: Tensor): View {
    const view = this.views.of(t);
    const { base, offset } = this.locate(view.base);
    return { ...view, base, offset: offset + view.offset };
  }

  /** Input `x` of an elementwise node, walked over the node's index space. */
  elementwise(node: Node, x: Tensor): View {
    const view = this.readable(x) ? this.source(x) : { ...this.locate(x), strides: rowMajorStrides(x.shape) };
    return { ...view, strides: repeatStrides(x.shape, view.strides, node.outputs[0]!.shape) };
  }

  private visit(node: Node): void {
    const { op } = node;
    node.inputs.forEach((x, i) => {
      const view = this.views.of(x);
      if (op instanceof Elementwise ? this.readable(x) : op instanceof Gemm && i < 2 && foldsIntoGemm(view, x)) {
        this.requireBase(view.base);
      } else if (op instanceof Concat || op instanceof Pack || op instanceof PadOp) {
        // These copy their inputs piece by piece, from wherever those lie.
        this.requireBase(view.base);
        if (view.base.node.op instanceof Constant) this.written.add(view.base);
      } else {
        this.requireContiguous(x);
      }
    });
  }

  /** A map reads rows, or one repeated value; a walk across rows costs more than a copy. */
  private readable(x: Tensor): boolean {
    const { strides } = this.views.of(x);
    const last = x.shape.findLastIndex((n) => n !== 1);
    return last === -1 || strides[last]! <= 1;
  }

  private requireContiguous(t: Tensor): void {
    const view = this.views.of(t);
    if (isContiguous(t.shape, view.strides) && !(view.base.node.op instanceof Constant)) {
      this.requireBase(view.base);
    } else {
      this.write(withoutReshapes(t));
    }
  }

  private requireBase(base: Tensor): void {
    if (isView(base.node.op)) this.write(withoutReshapes(base));
  }

  private write(t: Tensor): void {
    for (let next = t; !this.written.has(next);) {
      this.written.add(next);
      const { base } = this.views.of(next);
      if (!isView(base.node.op)) break;
      next = withoutReshapes(base);
    }
  }
}

/** A matrix with one unit stride, wherever its rows and batches lie. */
export function foldsIntoGemm(view: View, x: Tensor): boolean {
  const [rowStride, columnStride] = view.strides.slice(-2);
  const [rows, columns] = x.shape.slice(-2);
  return !(view.base.node.op instanceof Constant) && (rows === 1 || columns === 1 || rowStride === 1 || columnStride === 1);
}
