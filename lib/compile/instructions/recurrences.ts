/** Recurrences over whole sequences. */
import type { Tensor } from '../../graph/tensor.js';

/** In the order of `Cell` in native/kernels/args.h. */
export const cells = ['elmanTanh', 'elmanRelu', 'lstm', 'gru', 'gruBefore'] as const;

export type Cell = (typeof cells)[number];

/** Gates of a cell, each as wide as its state. */
export function gatesOf(cell: Cell): number {
  return cell === 'lstm' ? 4 : cell === 'gru' || cell === 'gruBefore' ? 3 : 1;
}

/** The sizes of `RecurrentShape` in native/kernels/args.h. */
export interface RecurrentShape {
  readonly cell: Cell;
  readonly t: number;
  readonly n: number;
  readonly h: number;
  readonly reverse: boolean;
  /** The weights are given as `RecurrentPanels` writes them. */
  readonly panels: boolean;
  /** Divided among threads by hidden units, not by rows. */
  readonly split: boolean;
}

export interface RecurrentForward {
  readonly kind: 'recurrentForward';
  readonly shape: RecurrentShape;
  /** [T + 1, N, H] */
  readonly outStates: Tensor;
  /** lstm: [T + 1, N, H] */
  readonly outCells: Tensor | undefined;
  /** all but elman: [T, N, G·H] */
  readonly outGates: Tensor | undefined;
  /** gru: [T, N, H] */
  readonly outQ: Tensor | undefined;
  readonly g: Tensor;
  readonly u: Tensor;
  readonly h0: Tensor;
  readonly c0: Tensor | undefined;
  readonly bias: Tensor | undefined;
  readonly lengths: Tensor | undefined;
}

export interface RecurrentBackward {
  readonly kind: 'recurrentBackward';
  readonly shape: RecurrentShape;
  readonly outDgates: Tensor;
  readonly outDh0: Tensor;
  readonly outDc0: Tensor | undefined;
  readonly outDq: Tensor | undefined;
  readonly u: Tensor;
  readonly states: Tensor;
  readonly cells: Tensor | undefined;
  readonly gates: Tensor | undefined;
  readonly q: Tensor | undefined;
  readonly dy: Tensor | undefined;
  readonly dh: Tensor | undefined;
  readonly dc: Tensor | undefined;
  readonly lengths: Tensor | undefined;
}

export interface RecurrentPanels {
  readonly kind: 'recurrentPanels';
  /** [⌈H / P⌉, G, H, P], or turned [⌈H / P⌉, G·H, P], P the panel of the instruction set; room for P = 32 */
  readonly out: Tensor;
  readonly u: Tensor;
  readonly h: number;
  readonly gates: number;
  readonly turned: boolean;
}

export type RecurrenceInstruction = RecurrentForward | RecurrentBackward | RecurrentPanels;
