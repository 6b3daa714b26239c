/** Matrix products: one GEMM kernel with bias and activation on the way out. */
import { DTypeError, ShapeError, formatShape } from '../errors.js';
import { Operation, apply } from '../graph/operation.js';
import type { Activation, Instruction } from '../compile/instructions/index.js';
import { type Shape, broadcastShapes, sizeOf } from '../graph/shape.js';
import { type Node, type Tensor, type TensorType, floats } from '../graph/tensor.js';
import { boolean, checkOptions } from '../options.js';
import { checkTensors } from './arguments.js';
import { broadcastTo } from './broadcast.js';
import { reshape } from './shape.js';

/** Options of {@link matmul}. */
export interface MatmulOptions {
  /** Use aᵀ (its last two dimensions swapped). Default: false. */
  readonly transposeA?: boolean | undefined;
  /** Use bᵀ (its last two dimensions swapped). Default: false. */
  readonly transposeB?: boolean | undefined;
}

/**
 * activation(op(a) · op(b) + bias): a [..., M, K], b [..., K, N], bias [N] → [..., M, N], op swapping the last two dimensions on demand.
 * Both have the same leading dimensions, one or two: views of as many strides are read in place. The compiler makes the forms with a bias or an activation; users write matmul, add and relu.
 */
export class Gemm extends Operation {
  readonly name = 'matmul';

  constructor(
    readonly transposeA: boolean,
    readonly transposeB: boolean,
    readonly activation: Activation = 'none',
  ) {
    super();
  }

  infer([a, b]: readonly Tensor[]): readonly TensorType[] {
    if (a!.dtype !== 'float32' || b!.dtype !== 'float32')
      throw new DTypeError(`matmul: expected float32, got ${a!.dtype} and ${b!.dtype}. Cast them first.`);
    const { m, n } = this.sizes(a!, b!);
    return [floats([...a!.shape.slice(0, -2), m, n])];
  }

  override vjp(node: Node, [dy]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    if (dy === undefined) return [];
    const [a, b] = node.inputs as [Tensor, Tensor];
    const product = (x: Tensor, y: Tensor, tx: boolean, ty: boolean): Tensor => apply(new Gemm(tx, ty), x, y);
    return [
      this.transposeA ? product(b, dy, this.transposeB, true) : product(dy, b, false, !this.transposeB),
      this.transposeB ? product(dy, a, true, this.transposeA) : product(a, dy, !this.transposeA, false),
    ];
  }

  lower(node: Node): readonly Instruction[] {
    const [a, b, bias] = node.inputs as [Tensor, Tensor, Tensor | undefined];
    const { m, n, k } = this.sizes(a, b);
    const inner = a.shape.at(-3)!;
    return [
      {
        kind: 'gemm',
        out: node.outputs[0]!,
        a,
        b,
        bias,
        m,
        n,
        k,
        outer: a.rank === 4 ? a.shape[0]! : 1,
        inner,
        aOffset: 0,
        bOffset: 0,
        aRow: this.transposeA ? 1 : k,
        aCol: this.transposeA ? m : 1,
        aBatch: m * k,
        aOuter: inner * m * k,
        bRow: this.transposeB ? 1 : n,
        bCol: this.transposeB ? k : 1,
        bBatch: k * n,
        bOuter: inner * k * n,
        outOffset: 0,
        cRow: n,
        cBatch: m * n,
        cOuter: inner * m * n,
        activation: this.activation,
      },
    ];
  }

  private sizes(a: Tensor, b: Tensor): { m: number; n: number; k: number } {
    const [a0, a1] = a.shape.slice(-2) as [number, number];
    const [b0, b1] = b.shape.slice(-2) as [number, number];
    return { m: this.transposeA ? a1 : a0, k: this.transposeA ? a0 : a1, n: this.transposeB ? b0 : b1 };
  }
}

/**
 * The matrix product over the last two dimensions. a [..., M, K] · b [K, N] → [..., M, N]; with b of higher rank the leading
 * dimensions broadcast. A vector a [K] is taken as one row, and the result has no row dimension.
 * @throws ShapeError if the inner sizes differ
 */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  checkTensors('matmul', { a, b });
  checkOptions('matmul', options, { transposeA: boolean, transposeB: boolean });
  const { transposeA = false, transposeB = false } = options;
  if (b.rank < 2 || a.rank < 1)
    throw new ShapeError(`matmul: expected a of rank ≥ 1 and b of rank ≥ 2, got ${formatShape(a.shape)} and ${formatShape(b.shape)}.`);
  if (a.rank === 1) {
    if (transposeA) throw new ShapeError(`matmul: expected a of rank ≥ 2 to transpose, got ${formatShape(a.shape)}.`);
    checkInner(a.shape, b.shape, false, transposeB);
    const y = matmul(reshape(a, [1, a.size]), b, { transposeB });
    return reshape(y, y.shape.toSpliced(-2, 1));
  }
  checkInner(a.shape, b.shape, transposeA, transposeB);
  if (b.rank === 2 && !transposeA) {
    const rows = sizeOf(a.shape.slice(0, -1));
    const y = apply(new Gemm(false, transposeB), reshape(a, [1, rows, a.shape.at(-1)!]), reshape(b, [1, ...b.shape]));
    return reshape(y, [...a.shape.slice(0, -1), y.shape[2]!]);
  }
  const lead = broadcastShapes('matmul (all but the last two dimensions)', a.shape.slice(0, -2), b.shape.slice(0, -2));
  const batch = lead.length === 2 ? lead : [sizeOf(lead)];
  const batched = (x: Tensor): Tensor => reshape(broadcastTo(x, [...lead, ...x.shape.slice(-2)]), [...batch, ...x.shape.slice(-2)]);
  const y = apply(new Gemm(transposeA, transposeB), batched(a), batched(b));
  return reshape(y, [...lead, ...y.shape.slice(-2)]);
}

/** @throws ShapeError unless op(a) has as many columns as op(b) has rows */
function checkInner(a: Shape, b: Shape, transposeA: boolean, transposeB: boolean): void {
  const k = a.at(transposeA ? -2 : -1);
  const kOfB = b.at(transposeB ? -1 : -2);
  if (k === kOfB) return;
  const product = `${formatShape(a)}${transposeA ? 'ᵀ' : ''} · ${formatShape(b)}${transposeB ? 'ᵀ' : ''}`;
  throw new ShapeError(`matmul: expected inner sizes that agree, got ${product} (${k} and ${kOfB}).`);
}
