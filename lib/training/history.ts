/** What fit reports. */
import { OptionError } from '../errors.js';

/**
 * Figures of one epoch, as training went on (weights change meanwhile; dropout is on): means over its rows, or over what the loss or
 * metric counts; of a loss with reduction 'sum' the sum.
 */
export interface EpochRecord {
  /** From 1. */
  readonly epoch: number;
  /** With the penalties; in a loss that is a sum they count once a batch. NaN where nothing counts, as with a sampleWeight of 0 in all rows: 0/0, also of metrics and of steps. */
  readonly loss: number;
  /** Metrics by name, with the trainer's option `gradientNorm` that, and with validation data `valLoss` and `val…` for each metric. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Learning rate of its last update, of the trainer's `optimizer`; NaN before any. */
  readonly lr: number;
  /** Wall-clock seconds of the epoch, validation included. */
  readonly seconds: number;
  /** Loss and metrics of each step in order, and gradientNorm of each update, of which `accumulate` makes fewer: by name, with `keepSteps` only. */
  readonly steps?: Readonly<Record<string, Float32Array>> | undefined;
}

/** Figures of a step or an evaluation by name: the loss, metrics, and what else is asked for. */
export interface Figures {
  readonly loss: number;
  readonly [name: string]: number;
}

/** The epochs of one fit. */
export class History {
  readonly epochs: EpochRecord[] = [];
  /** Why fit ended. */
  stopped: 'completed' | 'early' = 'completed';

  /**
   * One value over the epochs: 'loss', a metric, 'valLoss', 'valAccuracy', 'lr'; NaN in epochs that lack it.
   * @throws OptionError for a name that no epoch has
   */
  series(name: string): readonly number[] {
    checkName('series', name, this.epochs.flatMap(({ metrics }) => ['loss', ...Object.keys(metrics), 'lr'])); // prettier-ignore
    return this.epochs.map((record) => valueOf(record, name) ?? NaN);
  }

  /**
   * One value over the steps of all epochs, with `keepSteps`: 'loss', a metric; 'gradientNorm' over their updates. Empty if no steps are kept.
   * @throws OptionError for a name that no step has
   */
  stepSeries(name: string): Float32Array {
    checkName('stepSeries', name, this.epochs.flatMap(({ steps }) => Object.keys(steps ?? {}))); // prettier-ignore
    return Float32Array.from(this.epochs.flatMap(({ steps }) => [...(steps?.[name] ?? [])]));
  }

  /** The last epoch so far. */
  get last(): EpochRecord | undefined {
    return this.epochs.at(-1);
  }
}

/** @throws OptionError unless it is among the names, if there are any */
function checkName(what: string, name: string, names: readonly string[]): void {
  if (names.length === 0 || names.includes(name)) return;
  throw new OptionError(`${what}: expected a name among ${[...new Set(names)].join(', ')}, got ${JSON.stringify(name)}.`);
}

/** `name` of a record, or undefined if it has none of that name. */
export function valueOf(record: EpochRecord, name: string): number | undefined {
  return name === 'loss' || name === 'lr' ? record[name] : record.metrics[name];
}

/** 'accuracy' → 'valAccuracy' */
export function validationName(name: string): string {
  return `val${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}
