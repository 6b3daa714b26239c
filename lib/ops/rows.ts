/** Operations on rows, the last axis: softmax, log-softmax, log-sum-exp and the cross-entropy of class ids. */
import { ShapeError, formatShape } from '../errors.js';
import { Operation, apply } from '../graph/operation.js';
import type { Instruction, SoftmaxKind } from '../compile/instructions/index.js';
import { sameShape, sizeOf } from '../graph/shape.js';
import { type Node, type Tensor, type TensorType, floats } from '../graph/tensor.js';
import { check, integer } from '../options.js';
import { type AxisOptions, type ReduceAxisOptions, mapAxis, reduceAxis } from './along-axis.js';
import { checkTensors } from './arguments.js';
import { cast, exp, mul, neg, notEqual, sub } from './elementwise.js';
import { oneHot } from './gather.js';
import { sum } from './reduce.js';
import { reshape } from './shape.js';

class RowSoftmax extends Operation {
  constructor(readonly name: SoftmaxKind) {
    super();
  }

  infer([x]: readonly Tensor[]): readonly TensorType[] {
    return [floats(this.name === 'logSumExp' ? x!.shape.slice(0, -1) : x!.shape)];
  }

  override vjp(node: Node, [dy]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    if (dy === undefined) return [];
    const y = node.outputs[0]!;
    switch (this.name) {
      case 'softmax':
      case 'logSoftmax':
        return [apply(new RowSoftmaxBackward(this.name), y, dy)];
      case 'logSumExp':
        return [mul(column(dy), softmax(node.inputs[0]!))];
      default:
        return this.name satisfies never;
    }
  }

  lower(node: Node): readonly Instruction[] {
    const [x] = node.inputs;
    const columns = x!.shape.at(-1)!;
    return [{ kind: 'softmax', softmax: this.name, out: node.outputs[0]!, in: x!, rows: rowCount(x!), columns }];
  }
}

/** The gradient of y = softmax(x) or logSoftmax(x): y, dy → dx. */
class RowSoftmaxBackward extends Operation {
  readonly name = 'softmaxBackward';

  constructor(readonly kind: 'softmax' | 'logSoftmax') {
    super();
  }

  infer([y]: readonly Tensor[]): readonly TensorType[] {
    return [floats(y!.shape)];
  }

  /** Through the same formula in primitives: y · (dy − Σ y·dy), or dy − eʸ · Σ dy. */
  override vjp(node: Node, [dz]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    if (dz === undefined) return [];
    const [y, dy] = node.inputs as [Tensor, Tensor];
    if (this.kind === 'logSoftmax') {
      const p = exp(y);
      return [neg(mul(mul(dz, p), rowSum(dy))), sub(dz, rowSum(mul(dz, p)))];
    }
    const weighted = rowSum(mul(dz, y));
    return [sub(mul(dz, sub(dy, rowSum(mul(dy, y)))), mul(dy, weighted)), mul(y, sub(dz, weighted))];
  }

  lower(node: Node): readonly Instruction[] {
    const [y, dy] = node.inputs as [Tensor, Tensor];
    const columns = y.shape.at(-1)!;
    return [{ kind: 'softmaxBackward', softmax: this.kind, out: node.outputs[0]!, y, dy, rows: rowCount(y), columns }];
  }
}

/** eˣ / Σ eˣ along an axis, by default the last. @throws OptionError, ShapeError for what is no axis of x */
export function softmax(x: Tensor, options: AxisOptions = {}): Tensor {
  return mapAxis('softmax', x, options, (rows) => apply(new RowSoftmax('softmax'), rows));
}

/** x − ln Σ eˣ along an axis, by default the last. @throws OptionError, ShapeError for what is no axis of x */
export function logSoftmax(x: Tensor, options: AxisOptions = {}): Tensor {
  return mapAxis('logSoftmax', x, options, (rows) => apply(new RowSoftmax('logSoftmax'), rows));
}

/** ln Σ eˣ along an axis, by default the last, which goes unless it is kept. @throws OptionError, ShapeError for what is no axis of x */
export function logSumExp(x: Tensor, options: ReduceAxisOptions = {}): Tensor {
  return reduceAxis('logSumExp', x, options, (rows) => apply(new RowSoftmax('logSumExp'), rows));
}

class CrossEntropy extends Operation {
  readonly name = 'crossEntropy';

  constructor(readonly ignoreIndex: number) {
    super();
  }

  infer([logits, ids]: readonly Tensor[]): readonly TensorType[] {
    checkIds(this.name, logits!, ids!);
    return [floats(ids!.shape)];
  }

  override vjp(node: Node, [dy]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    const [logits, ids] = node.inputs as [Tensor, Tensor];
    return [dy && apply(new CrossEntropyBackward(this.ignoreIndex), logits, ids, dy), undefined];
  }

  lower(node: Node): readonly Instruction[] {
    const [logits, ids] = node.inputs as [Tensor, Tensor];
    return [
      {
        kind: 'crossEntropy',
        out: node.outputs[0]!,
        logits,
        ids,
        rows: rowCount(logits),
        columns: logits.shape.at(-1)!,
        ignoreIndex: this.ignoreIndex,
      },
    ];
  }
}

class CrossEntropyBackward extends Operation {
  readonly name = 'crossEntropyBackward';

  constructor(readonly ignoreIndex: number) {
    super();
  }

  infer([logits, ids]: readonly Tensor[]): readonly TensorType[] {
    checkIds(this.name, logits!, ids!);
    return [floats(logits!.shape)];
  }

  /** Through the same formula in primitives: dy · kept · (softmax(x) − onehot). */
  override vjp(node: Node, [dz]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    if (dz === undefined) return [];
    const [logits, ids, dy] = node.inputs as [Tensor, Tensor, Tensor];
    const p = softmax(logits);
    const kept = notEqual(ids, this.ignoreIndex);
    const weighted = mul(dz, column(mul(dy, kept)));
    const dlogits = mul(p, sub(weighted, rowSum(mul(weighted, p))));
    const ddy = mul(kept, sum(mul(dz, sub(p, oneHot(ids, logits.shape.at(-1)!))), { axes: -1 }));
    return [dlogits, undefined, ddy];
  }

  lower(node: Node): readonly Instruction[] {
    const [logits, ids, dloss] = node.inputs as [Tensor, Tensor, Tensor];
    return [
      {
        kind: 'crossEntropyBackward',
        out: node.outputs[0]!,
        logits,
        ids,
        dloss,
        rows: rowCount(logits),
        columns: logits.shape.at(-1)!,
        ignoreIndex: this.ignoreIndex,
      },
    ];
  }
}

/**
 * −ln softmax(logits)[id] for each row: logits [..., C], ids [...] → [...]. 0 where id = ignoreIndex, by default −100.
 * An id outside 0 … C−1 stops the run with its position. Ids that are float32 are cast to int32: 1.7 counts as 1.
 * @throws DTypeError for what is no tensor; ShapeError unless there is one id a row; OptionError unless ignoreIndex is whole
 */
export function crossEntropy(logits: Tensor, ids: Tensor, ignoreIndex = -100): Tensor {
  checkTensors('crossEntropy', { logits, ids });
  check('crossEntropy', 'ignoreIndex', ignoreIndex, integer);
  return apply(new CrossEntropy(ignoreIndex), cast(logits, 'float32'), cast(ids, 'int32'));
}

function checkIds(what: string, logits: Tensor, ids: Tensor): void {
  if (logits.rank < 1) throw new ShapeError(`${what}: expected logits of rank ≥ 1 [..., C], got []. Give them a dimension of classes.`);
  if (!sameShape(logits.shape.slice(0, -1), ids.shape)) {
    throw new ShapeError(
      `${what}: expected one class id a row of logits ${formatShape(logits.shape)}, got ids of shape ${formatShape(ids.shape)}.`,
    );
  }
}

function rowCount(x: Tensor): number {
  return sizeOf(x.shape.slice(0, -1));
}

function rowSum(x: Tensor): Tensor {
  return sum(x, { axes: -1, keepDims: true });
}

function column(x: Tensor): Tensor {
  return reshape(x, [...x.shape, 1]);
}
