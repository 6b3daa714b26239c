/** Connectionist temporal classification. */
import type { Tensor } from '../../graph/tensor.js';

/** N rows of up to T frames, and up to `labels` labels each. */
export interface CtcShape {
  readonly n: number;
  readonly t: number;
  readonly classes: number;
  readonly labels: number;
  readonly blank: number;
}

export interface Ctc {
  readonly kind: 'ctc';
  readonly shape: CtcShape;
  /** The losses [N]. */
  readonly out: Tensor;
  /** [N, T, 2·labels + 1] */
  readonly outAlpha: Tensor;
  /** [N, T, classes] */
  readonly logp: Tensor;
  /** int32 [N, labels] */
  readonly ids: Tensor;
  /** int32 [N] */
  readonly frames: Tensor;
}

export interface CtcBackward {
  readonly kind: 'ctcBackward';
  readonly shape: CtcShape;
  readonly out: Tensor;
  readonly logp: Tensor;
  readonly ids: Tensor;
  readonly frames: Tensor;
  readonly loss: Tensor;
  readonly alpha: Tensor;
  readonly dloss: Tensor;
}

export type CtcInstruction = Ctc | CtcBackward;
