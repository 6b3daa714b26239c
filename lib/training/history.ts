/** What fit reports. */

/**
 * Figures of one epoch, as training went on (weights change meanwhile; dropout is on): means over its rows, or over what the loss or
 * metric counts; of a loss with reduction 'sum' the sum.
 */
export interface EpochRecord {
  /** From 1. */
  readonly epoch: number;
  /** With the penalties. */
  readonly loss: number;
  /** Metrics by name, with the trainer's option `gradientNorm` that, and with validation data `valLoss` and `val…` for each metric. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Wall-clock seconds of the epoch, validation included. */
  readonly seconds: number;
  /** Loss, metrics and gradientNorm of each step in order, by name: with `keepSteps` only. */
  readonly steps?: Readonly<Record<string, Float32Array>>;
}

/** The epochs of one fit. */
export class History {
  readonly epochs: EpochRecord[] = [];
  /** Why fit ended. */
  stopped: 'completed' | 'early' = 'completed';

  /** One value over the epochs: 'loss', a metric, 'valLoss', 'valAccuracy'. */
  series(name: string): readonly number[] {
    return this.epochs.map((record) => valueOf(record, name) ?? NaN);
  }

  /** One value over the steps of all epochs, with `keepSteps`: 'loss', a metric, 'gradientNorm'. */
  stepSeries(name: string): Float32Array {
    return Float32Array.from(this.epochs.flatMap(({ steps }) => [...(steps?.[name] ?? [])]));
  }

  /** The last epoch so far. */
  get last(): EpochRecord | undefined {
    return this.epochs.at(-1);
  }
}

/** `name` of a record, or undefined if it has none of that name. */
export function valueOf(record: EpochRecord, name: string): number | undefined {
  return name === 'loss' ? record.loss : record.metrics[name];
}

/** 'accuracy' → 'valAccuracy' */
export function validationName(name: string): string {
  return `val${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}
