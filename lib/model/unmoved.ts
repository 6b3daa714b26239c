import type { Tensor } from '../graph/tensor.js';
import { sameShape } from '../graph/shape.js';
import { Concat, ReshapeOp, Slice, Split } from '../ops/shape.js';

/** The tensor whose elements x has, all of them in their order, through reshapes and the parts of what was joined. */
export function unmoved(x: Tensor): Tensor {
  const { op, inputs } = x.node;
  if (op instanceof ReshapeOp) return unmoved(inputs[0]!);
  const start = op instanceof Slice ? op.start : op instanceof Split ? op.startOf(x) : undefined;
  if (start === undefined) return x;
  const whole = unmoved(inputs[0]!);
  const { op: joint, inputs: parts } = whole.node;
  if (!(joint instanceof Concat) || !sameShape(whole.shape, inputs[0]!.shape)) return x;
  let begin = 0;
  for (const part of parts) {
    const isPart = start.every((at, axis) => at === (axis === joint.axis ? begin : 0)) && sameShape(x.shape, part.shape);
    if (isPart) return unmoved(part);
    begin += part.shape[joint.axis]!;
  }
  return x;
}
