/** A series as examples for a forecast: windows of what has been, with what came after. */
import { NdArray } from '../../array.js';
import { checkArray } from '../../array-check.js';
import { DataError, OptionError, ShapeError, formatShape } from '../../errors.js';
import { type Rule, checkOptions, count, nonNegativeInteger, required, share } from '../../options.js';
import type { NumericArray } from '../../native.js';
import { newArray } from '../new-array.js';
import { takeColumns } from '../take.js';
import { Standardizer } from '../transform.js';

/** Options of {@link seriesWindows}. */
export interface SeriesWindowOptions {
  /** T, rows of a window. */
  readonly steps: number;
  /** Rows of the series from one step of a window to the next: 6 takes every sixth row. Default: 1. */
  readonly sampling?: number | undefined;
  /** Rows between the last step of a window and the first that is to be foretold: 71 for the row that is 72 ahead. Default: 0. */
  readonly gap?: number | undefined;
  /** H, rows that are to be foretold, one after the other. Default: 1. */
  readonly horizon?: number | undefined;
  /** Columns that are to be foretold; by name, of what readCsv gives: `[columns.indexOf('T')]`. Default: all. */
  readonly targets?: readonly number[] | undefined;
  /** Rows from the beginning of one window to that of the next. Default: 1. */
  readonly stride?: number | undefined;
}

/** Options of {@link forecastData}. */
export interface ForecastOptions extends SeriesWindowOptions {
  /** Share of the rows, the last ones, that are only foretold for validation, in (0, 1). Default: 0.2. */
  readonly validationFraction?: number | undefined;
}

/** Windows of a series, each with what follows it. */
export interface SeriesRows {
  /** [N, T, C] */
  readonly x: NdArray<Float32Array>;
  /** `[N, H, C']`: the target columns of the H rows after the window and the gap. */
  readonly y: NdArray<Float32Array>;
}

/** A series divided in time, as {@link forecastData} makes it. */
export interface ForecastData {
  readonly train: SeriesRows;
  readonly validation: SeriesRows;
  /** Of all columns, from the training rows. */
  readonly inputScale: Standardizer;
  /** Of the target columns: `targetScale.invert(prediction)`, of a prediction of the shape of y, is in the units of the series. */
  readonly targetScale: Standardizer;
}

const columnList: Rule = {
  expected: 'a list of at least one whole number ≥ 0',
  accepts: (value) => Array.isArray(value) && value.length > 0 && value.every((column) => nonNegativeInteger.accepts(column)),
};
const rules = {
  steps: required(count),
  sampling: count,
  gap: nonNegativeInteger,
  horizon: count,
  targets: columnList,
  stride: count,
} as const;

/**
 * All windows of a series in order.   series [R, C] → x [N, T, C], y [N, H, C'], N = ⌊(R − S − H) / stride⌋ + 1,
 * S = (T − 1) · sampling + 1 + gap, the rows from the first of a window to what is foretold.
 * @throws OptionError for wrong options, or if the windows do not fit into memory; ShapeError unless the series is [R, C]; DataError if it is no array, or
 *   shorter than one window
 */
export function seriesWindows(series: NdArray, options: SeriesWindowOptions): SeriesRows {
  checkOptions('seriesWindows', options, rules);
  return windowsOf('seriesWindows', series, options);
}

/**
 * Divides a series in time and standardises it, without a look into the future: the first rows train, the last validate. Statistics are
 * those of the training rows; no training window reaches into the validation rows. Validation windows foretell only validation rows,
 * and may look back to training rows, which lie in their past.
 *
 * A model that ends in `Linear(H · C')` and `Reshape([H, C'])` foretells all of y; for one column one row ahead that is
 * `new Linear(1), new Reshape([1, 1])`.
 * @throws OptionError for wrong options; ShapeError unless the series is [R, C]; DataError if it is no array, or a part is shorter than it must be
 */
export function forecastData(series: NdArray, options: ForecastOptions): ForecastData {
  checkOptions('forecastData', options, { ...rules, validationFraction: share });
  const { validationFraction = 0.2, ...windows } = options;
  const [rows, columns] = checkSeries('forecastData', series);
  const { horizon = 1, targets = everyColumn(columns) } = windows;
  const trained = rows - Math.round(rows * validationFraction);
  if (trained < 1)
    throw new DataError(`forecastData: expected rows to train on, got ${rows} rows and validationFraction ${validationFraction}.`);
  if (rows - trained < horizon)
    throw new DataError(
      `forecastData: expected at least ${horizon} rows for validation, as many as the horizon, got ${rows - trained} of ${rows} with validationFraction ${validationFraction}. Take a larger validationFraction, a smaller horizon, or a longer series.`,
    );
  const inputScale = new Standardizer(series.rows(0, trained));
  const scaled = inputScale.apply(series);
  const train = windowsOf('forecastData training', scaled.rows(0, trained), windows);
  const targetScale = new Standardizer(takeColumns(series.rows(0, trained), targets));
  return {
    train,
    validation: windowsOf('forecastData validation', scaled.rows(Math.max(0, trained - rowsBefore(windows)), rows), windows),
    inputScale,
    targetScale,
  };
}

function windowsOf(what: string, series: NdArray, options: SeriesWindowOptions): SeriesRows {
  const [rows, columns] = checkSeries(what, series);
  const { steps, sampling = 1, gap = 0, horizon = 1, stride = 1, targets = everyColumn(columns) } = options;
  const wrong = targets.find((column) => column >= columns);
  if (wrong !== undefined) throw new OptionError(`${what}: expected columns 0 … ${columns - 1} for targets, got ${wrong}.`);
  const before = rowsBefore(options);
  if (rows < before + horizon) {
    const apart = sampling > 1 || gap > 0 ? ` with sampling ${sampling} and gap ${gap}` : '';
    throw new DataError(
      `${what}: expected at least ${before + horizon} rows for ${steps} steps and a horizon of ${horizon}${apart}, got ${rows}. Take fewer steps, or a longer series.`,
    );
  }
  const windows = Math.floor((rows - before - horizon) / stride) + 1;
  const begins = Array.from({ length: windows }, (_, i) => i * stride);
  const ahead = takeColumns(series, targets);
  return {
    x: stack(what, series, begins, steps, sampling),
    y: stack(
      what,
      ahead,
      begins.map((begin) => begin + before),
      horizon,
      1,
    ),
  };
}

/** From the first row of a window to the first that is foretold. */
function rowsBefore({ steps, sampling = 1, gap = 0 }: SeriesWindowOptions): number {
  return (steps - 1) * sampling + 1 + gap;
}

/** `length` rows from each begin on, `every` apart.   [R, C] → [N, length, C] */
function stack(what: string, { data, shape }: NdArray, begins: readonly number[], length: number, every: number): NdArray<Float32Array> {
  const columns = shape[1]!;
  const result = [begins.length, length, columns];
  const stacked = newArray(what, Float32Array, result, 'Take a larger stride, fewer steps or a smaller horizon.');
  // Rows that lie together are copied in one go.
  const [pieces, rows] = every === 1 ? [1, length] : [length, 1];
  begins.forEach((begin, i) => {
    for (let k = 0; k < pieces; k++) {
      const from = (begin + k * every) * columns;
      stacked.set(data.subarray(from, from + rows * columns), (i * length + k) * columns);
    }
  });
  return new NdArray(stacked, result);
}

function checkSeries(what: string, series: NdArray<NumericArray>): readonly [rows: number, columns: number] {
  checkArray(what, 'series', series);
  if (series.rank !== 2)
    throw new ShapeError(
      `${what}: expected a series of rank 2 [R, C], got ${formatShape(series.shape)}. Give a single column shape [R, 1].`,
    );
  return [series.shape[0]!, series.shape[1]!];
}

function everyColumn(columns: number): readonly number[] {
  return Array.from({ length: columns }, (_, column) => column);
}
