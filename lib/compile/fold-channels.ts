/** Folds the scales and shifts of channels that follow a convolution, as batch normalisation has in evaluation, into its weights and bias. */
import { label } from '../graph/label.js';
import { sizeOf } from '../graph/shape.js';
import { Node, type Tensor } from '../graph/tensor.js';
import { ConvForward } from '../ops/conv.js';
import { Elementwise, add, mul, neg, sub } from '../ops/elementwise.js';
import { ReshapeOp, reshape } from '../ops/shape.js';
import { rewrite } from './rewrite.js';
import { isPerChannel, singleUse } from './uses.js';

/** (x ∗ w) · scale + shift, by channel; the tensors are those of the rewritten graph. */
interface Affine {
  readonly conv: Node;
  readonly x: Tensor;
  readonly w: Tensor;
  readonly scale?: Tensor | undefined;
  readonly shift?: Tensor | undefined;
}

/** Which operand is the convolution's and which the channels'. */
const convolutionFirst = [[0, 1]] as const;
const eitherWay = [[0, 1], [1, 0]] as const; // prettier-ignore

/** The same values up to rounding: scaled weights are rounded before the products instead of their sums after. */
export function foldChannels(roots: readonly Tensor[]): readonly Tensor[] {
  const once = singleUse(roots);
  const known = new Map<Tensor, Affine>();

  /** What `t` renames, if only this reader wants it. */
  const behind = (t: Tensor): Affine | undefined => {
    while (once(t) && t.node.op instanceof ReshapeOp) t = t.node.inputs[0]!;
    return once(t) ? known.get(t) : undefined;
  };

  return rewrite(roots, (node, inputs) => {
    const { op } = node;
    const [result] = node.outputs as [Tensor];
    if (op instanceof ConvForward) known.set(result, { conv: node, x: inputs[0]!, w: inputs[1]! });
    if (!(op instanceof Elementwise) || !(op.name === 'mul' || op.name === 'add' || op.name === 'sub')) return undefined;
    for (const [side, other] of op.name === 'sub' ? convolutionFirst : eitherWay) {
      const before = behind(node.inputs[side]!);
      if (before === undefined) continue;
      const channels = before.conv.outputs[0]!.shape.at(-1)!;
      // In a batch of one, numbers of the image's own look like those of the channels but for their rank.
      if (node.inputs[other]!.rank !== 1 || !isPerChannel(node.inputs[other]!, node.inputs[side]!, result, channels)) continue;
      const after = followedBy(before, op.name, reshape(inputs[other]!, [channels]));
      if (after === undefined) continue;
      known.set(result, after);
      return [reshape(written(after, node.label), result.shape)];
    }
    return undefined;
  });
}

function followedBy(before: Affine, operation: 'mul' | 'add' | 'sub', channels: Tensor): Affine | undefined {
  const { scale, shift } = before;
  switch (operation) {
    case 'add':
      return { ...before, shift: shift === undefined ? channels : add(shift, channels) };
    case 'sub':
      return { ...before, shift: shift === undefined ? neg(channels) : sub(shift, channels) };
    case 'mul':
      // Scaling more weights than there are results would be the greater work. One image decides: bits must not depend on the batch.
      if (before.w.size > sizeOf(before.conv.outputs[0]!.shape.slice(1))) return undefined;
      return { ...before, scale: scale === undefined ? channels : mul(scale, channels), shift: shift && mul(shift, channels) };
    default:
      return operation satisfies never;
  }
}

function written({ conv, x, w, scale, shift }: Affine, text: string): Tensor {
  const scaled = scale === undefined ? w : mul(w, scale);
  label([scaled], text, scale === undefined ? [w] : [w, scale]);
  const node = new Node(conv.op, [x, scaled], conv.outputs);
  node.label = conv.label;
  return shift === undefined ? node.outputs[0]! : add(node.outputs[0]!, shift);
}
