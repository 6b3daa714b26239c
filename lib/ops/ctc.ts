/** Connectionist temporal classification: labels in order, whose place among the frames nobody knows. */
import type { CtcShape, Instruction } from '../compile/instructions/index.js';
import { OptionError, ShapeError, formatShape } from '../errors.js';
import { Operation, apply } from '../graph/operation.js';
import { constant } from '../graph/source.js';
import { type Node, type Tensor, type TensorType, floats } from '../graph/tensor.js';
import { checkOptions, integer } from '../options.js';
import { checkTensors, tensor } from './arguments.js';
import { cast } from './elementwise.js';
import { checkedLengths } from './lengths.js';
import { refuseSecondDerivative } from './second-derivative.js';

/** Options of {@link ctc}. */
export interface CtcOptions {
  /** The class that stands for no label. Default: 0. */
  readonly blank?: number | undefined;
  /** int32 [N], each 1 … T: the frames of each row, behind which it is padded. One out of range stops the run with its position. Default: T for all. */
  readonly lengths?: Tensor | undefined;
}

/** Labels of a row that the kernel has room for. */
export const maxLabels = 16384;

/** logp [N, T, C], labels [N, S], frames [N] → losses [N] and what its gradient goes on from, [N, T, 2·S + 1]. */
class Ctc extends Operation {
  readonly name = 'ctc';

  constructor(readonly blank: number) {
    super();
  }

  infer([logp, labels]: readonly Tensor[]): readonly TensorType[] {
    checkShapes(logp!, labels!, this.blank);
    const [n, t] = logp!.shape as [number, number, number];
    return [floats([n]), floats([n, t, 2 * labels!.shape[1]! + 1])];
  }

  override vjp(node: Node, [dloss]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    return [dloss && apply(new CtcBackward(this.blank), ...node.inputs, ...node.outputs, dloss), undefined, undefined];
  }

  override badIndex(value: number, [logp]: readonly Tensor[]): string {
    return `expected a label in 0 … ${logp!.shape[2]! - 1} but ${this.blank}, the blank, and −1 only behind the last, got ${value}`;
  }

  lower(node: Node): readonly Instruction[] {
    const [logp, ids, frames] = node.inputs as [Tensor, Tensor, Tensor];
    const [out, outAlpha] = node.outputs as [Tensor, Tensor];
    return [{ kind: 'ctc', out, outAlpha, logp, ids, frames, shape: shapeOf(logp, ids, this.blank) }];
  }
}

class CtcBackward extends Operation {
  readonly name = 'ctcBackward';

  constructor(readonly blank: number) {
    super();
  }

  infer([logp]: readonly Tensor[]): readonly TensorType[] {
    return [logp!];
  }

  override vjp(node: Node): never {
    return refuseSecondDerivative(node, 'ctc', 'Leave it out of the penalty.');
  }

  lower(node: Node): readonly Instruction[] {
    const [logp, ids, frames, loss, alpha, dloss] = node.inputs as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
    return [{ kind: 'ctcBackward', out: node.outputs[0]!, logp, ids, frames, loss, alpha, dloss, shape: shapeOf(logp, ids, this.blank) }];
  }
}

/**
 * −ln of the probability of each row of labels, summed over all ways to spread them over the frames: each frame shows a label or the blank, a
 * label may last for several frames, and between two equal ones there is a blank. logp [N, T, C], logarithms of probabilities, labels [N, S],
 * −1 behind the last of a row → [N]; ∞, with a gradient of 0, where the frames are too few. Labels that are float32 are cast to int32: 1.7
 * counts as 1. Once differentiable.
 *
 * @throws ShapeError for shapes that do not fit; DTypeError for what is no tensor, and lengths that are not int32; OptionError for wrong options; DataError while running for a label that is none
 * @see Graves et al. 2006, https://www.cs.toronto.edu/~graves/icml_2006.pdf; https://pytorch.org/docs/stable/generated/torch.nn.functional.ctc_loss.html
 *   (there [T, N, C])
 */
export function ctc(logp: Tensor, labels: Tensor, options: CtcOptions = {}): Tensor {
  checkTensors('ctc', { logp, labels });
  checkOptions('ctc', options, { blank: integer, lengths: tensor });
  const { blank = 0, lengths } = options;
  const ids = cast(labels, 'int32');
  checkShapes(logp, ids, blank);
  const [n, t] = logp.shape as [number, number, number];
  const frames = lengths === undefined ? constant(new Int32Array(n).fill(t)) : checkedLengths('ctc', lengths, n, t);
  return apply(new Ctc(blank), cast(logp, 'float32'), ids, frames);
}

function shapeOf(logp: Tensor, ids: Tensor, blank: number): CtcShape {
  const [n, t, classes] = logp.shape as [number, number, number];
  return { n, t, classes, labels: ids.shape[1]!, blank };
}

function checkShapes(logp: Tensor, labels: Tensor, blank: number): void {
  if (logp.rank !== 3 || logp.shape[2] === 0 || labels.rank !== 2 || labels.shape[0] !== logp.shape[0]) {
    throw new ShapeError(
      `ctc: expected logarithms of probabilities [N, T, C] and labels [N, S], got ${formatShape(logp.shape)} and ${formatShape(labels.shape)}.`,
    );
  }
  if (labels.shape[1]! > maxLabels) throw new ShapeError(`ctc: expected at most ${maxLabels} labels a row, got ${labels.shape[1]}.`);
  checkBlank('ctc', blank, logp.shape[2]!);
}

/** @throws OptionError naming `what` unless it is one of the classes */
export function checkBlank(what: string, blank: number, classes: number): void {
  if (blank < 0 || blank >= classes) throw new OptionError(`${what}: expected a class 0 … ${classes - 1} for blank, got ${blank}.`);
}
