import { StateError, formatShape } from '../errors.js';
import type { Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import type { Initializer } from '../init.js';
import { convolveSequence } from '../ops/conv.js';
import { type Caller, checkChannels, checkGroups, checkImages } from '../ops/conv-geometry.js';
import { type Conv1dGeometry, conv1dRules } from '../ops/conv-options.js';
import { cast } from '../ops/elementwise.js';
import { check, checkOptions, count } from '../options.js';
import { convParameterRules, convParameters } from './conv-parameters.js';
import { Layer } from './layer.js';
import { windowsLookAlong } from './looks-along.js';
import { withPast } from './past.js';
import type { Scope } from './scope.js';

/** Options of {@link Conv1d}. */
export interface Conv1dOptions extends Conv1dGeometry {
  /** Add a bias. Default: true. */
  readonly bias?: boolean | undefined;
  /** First values of the weight. Default: U(−1/√F, 1/√F), F = K · C/G, which is Kaiming uniform with a = √5. */
  readonly weightInit?: Initializer | undefined;
}

const caller: Caller = { what: 'Conv1d', dimensions: 1 };

/**
 * Slides a kernel along sequences.
 *
 * y[n, t, o] = b[o] + Σ x[n, t·stride − padding + k·dilation, c] · W[k, c, o], 0 outside the sequence.
 * x [N, T, C] → y [N, OT, O], OT = ⌊(T + 2·padding − dilation·(K − 1) − 1) / stride⌋ + 1; parameters: weight W [K, C/G, O],
 * bias b [O], which starts as U(−1/√F, 1/√F). With G groups the g-th part of C makes the g-th part of O. With padding 'causal' OT = ⌈T / stride⌉ and
 * y[t] sees x[… t·stride]; with stride 1 it can be streamed, for which the last dilation·(K − 1) steps are kept.
 *
 * @throws OptionError for sizes that are no whole numbers ≥ 1 or wrong options; ShapeError if x is no [N, T, C] with C ≥ 1, groups do not
 * divide C and O, or the kernel is longer than the padded sequence; StateError if states go on from step to step and the stride does not divide T
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Conv1d.html (there x is [N, C, T], W [O, C/G, K])
 */
export class Conv1d extends Layer {
  constructor(
    readonly outChannels: number,
    readonly kernelSize: number,
    readonly options: Conv1dOptions = {},
  ) {
    super();
    check('Conv1d', 'outChannels', outChannels, count);
    check('Conv1d', 'kernelSize', kernelSize, count);
    this.options = checkOptions('Conv1d', options, { ...conv1dRules, ...convParameterRules });
  }

  override looksAlongTime(): boolean {
    return windowsLookAlong(this.options.padding === 'causal' ? 1 : this.kernelSize, this.options);
  }

  forward(x: Tensor, scope: Scope): Tensor {
    checkImages(caller, x.shape);
    checkChannels('Conv1d', x.shape);
    const { bias, weightInit, ...geometry } = this.options;
    const { groups = 1 } = geometry;
    const channels = x.shape[2]!;
    checkGroups('Conv1d', 'the channels C of x', channels, groups);
    const depth = channels / groups;
    const made = convParameters([this.kernelSize, depth, this.outChannels], this.outChannels, { bias, weightInit }, scope);
    const options = { ...geometry, bias: made.bias };
    if (options.padding !== 'causal' || !scope.carries) return convolveSequence(caller, x, made.weight, options);
    checkWhole(x.shape, geometry.stride ?? 1);
    const steps = (geometry.dilation ?? 1) * (this.kernelSize - 1);
    const seen = steps === 0 ? x : withPast('steps', cast(x, 'float32'), steps, scope);
    return convolveSequence(caller, seen, made.weight, { ...options, padding: 'valid' });
  }
}

/** @throws StateError if the windows of the next steps would not begin where those of x end */
function checkWhole(x: Shape, stride: number): void {
  if (x[1]! % stride === 0) return;
  throw new StateError(
    `Conv1d: expected a stride that divides T where states go on from step to step, got ${stride} for x ${formatShape(x)}. Cut the sequences at a multiple of it; a stream, which is fed single steps, needs stride 1.`,
  );
}
