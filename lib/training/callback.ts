import type { NdArray } from '../array.js';
import type { AnyLayer } from '../model/trace.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import type { EpochRecord } from './history.js';

/** A copy of everything a model has learnt, to go back to. */
export interface Snapshot {
  /** All parameters and buffers, by path. */
  readonly weights: ReadonlyMap<string, NdArray<Float32Array>>;
}

/** What a callback may know of the fit it is called from, and do to it. */
export interface FitContext {
  /** What is trained. */
  readonly model: AnyLayer;
  /** By what: the trainer's own, then those of its groups. Their `lr` may be set for the epochs that follow. */
  readonly optimizers: readonly Optimizer[];
  /** What records hold: 'loss', the metrics by name, 'gradientNorm' if asked for, and with validation data 'valLoss' and 'val…' for each metric. */
  readonly figures: readonly string[];
  /** Which values of a figure are better: smaller ones of a loss or gradientNorm, of a metric those it says. */
  readonly better: Readonly<Record<string, 'max' | 'min' | undefined>>;
  /** Ends the fit after this epoch. */
  stop(): void;
  /** Copies all parameters and buffers. */
  snapshot(): Snapshot;
  /** Puts a copy back of what this fit trains. @throws StateError unless it has the weights of this model, all of them and in their shapes; nothing is changed then */
  restore(snapshot: Snapshot): void;
}

/** Something called while fit runs. Concrete callbacks are final and serve one fit at a time. */
export abstract class Callback {
  /** Before the first epoch. */
  onStart(_context: FitContext): void | Promise<void> {}
  /** After each epoch, validation included. */
  onEpoch(_record: EpochRecord, _context: FitContext): void | Promise<void> {}
  /** After the last epoch; not called when fit fails or is aborted. */
  onEnd(_context: FitContext): void | Promise<void> {}
}
