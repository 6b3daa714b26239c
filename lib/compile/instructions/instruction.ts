/**
 * Instructions before encoding: the records of docs/instruction-stream.md with tensors for operands.
 * Writes are named `out…`; everything else that is a tensor is read.
 */
import type { ConvolutionInstruction } from './convolutions.js';
import type { CtcInstruction } from './ctc.js';
import type { ImageInstruction } from './images.js';
import type { Map } from './maps.js';
import type { MoveInstruction } from './moves.js';
import type { Gemm } from './products.js';
import type { RecurrenceInstruction } from './recurrences.js';
import type { ReductionInstruction } from './reductions.js';
import type { TableInstruction } from './tables.js';

export type Instruction =
  | Gemm
  | Map
  | ReductionInstruction
  | TableInstruction
  | CtcInstruction
  | MoveInstruction
  | ConvolutionInstruction
  | ImageInstruction
  | RecurrenceInstruction;
