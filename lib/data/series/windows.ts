/** A series as examples for a forecast: windows of what has been, with what came after. */
import { NdArray } from '../../array.js';
import { checkArray } from '../../array-check.js';
import { DataError, OptionError, ShapeError, formatShape } from '../../errors.js';
import { type Rule, checkOptions, count, finite, nonNegativeInteger, required, share } from '../../options.js';
import { concatRows } from '../join.js';
import { newArray } from '../new-array.js';
import { copyRow, takeColumns } from '../take.js';
import { Standardizer } from '../transform.js';
import { type SeriesGroups, type Span, bySeries, seriesGroups } from './series-groups.js';

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
  /**
   * Which series each row is of, where there are several in one table: ids [R], such as those that readCsv gives for a column of texts, or a list of R
   * names. No window has rows of two. Windows of one series follow those of another, in the order of their first rows; one that is too short has none.
   * Default: all rows are one series.
   */
  readonly groups?: SeriesGroups | undefined;
}

/** Options of {@link forecastData}. */
export interface ForecastOptions extends SeriesWindowOptions {
  /** Share of the rows, the last ones of each series, that are only foretold for validation, in (0, 1). Default: 0.2. */
  readonly validationFraction?: number | undefined;
  /**
   * What NaN, a missing value, becomes in x, in the units of x: 0 is the mean. In y it stays NaN, for losses and metrics with `ignoreNaN`. Default: it
   * stays NaN in x too.
   */
  readonly missing?: number | undefined;
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
  groups: seriesGroups,
} as const;

/**
 * All windows of a series in order.   series [R, C] → x [N, T, C], y [N, H, C'], N = ⌊(R − S − H) / stride⌋ + 1,
 * S = (T − 1) · sampling + 1 + gap, the rows from the first of a window to what is foretold. NaN, a missing value, stays NaN in both. The N of several series (`groups`)
 * is the sum of theirs. All of it is done at once on the calling thread.
 * @throws OptionError for wrong options, or if the windows do not fit into memory; ShapeError unless the series is [R, C] and there is one id a row in `groups`; DataError
 *   if it is no array, or shorter than one window, or for ids that are no whole numbers
 */
export function seriesWindows(series: NdArray, options: SeriesWindowOptions): SeriesRows {
  checkOptions('seriesWindows', options, rules);
  checkSeries('seriesWindows', series);
  const { rows, spans } = bySeries('seriesWindows', series, options.groups);
  return windowsOf(
    'seriesWindows',
    { inputs: rows, ahead: takeColumns(rows, targetsOf('seriesWindows', series, options)) },
    spans,
    options,
  );
}

/**
 * Divides a series in time and standardises it, without a look into the future: the first rows train, the last validate. Statistics are
 * those of the training rows; no training window reaches into the validation rows. Validation windows foretell only validation rows,
 * and may look back to training rows, which lie in their past. Of several series (`groups`) each is divided; the statistics are those of all training rows.
 *
 * A model that ends in `Linear(H · C')` and `Reshape([H, C'])` foretells all of y; for one column one row ahead that is
 * `new Linear(1), new Reshape([1, 1])`.
 *
 * NaN, a missing value, is left out of the statistics. A series with gaps takes `missing: 0`, which fills those of x, and a loss that leaves out those of y:
 * `new MSELoss({ ignoreNaN: true })`. All of it is done at once on the calling thread.
 * @throws OptionError for wrong options; ShapeError unless the series is [R, C] and there is one id a row in `groups`; DataError if it is no array, a part is shorter
 *   than it must be, or for ids that are no whole numbers
 */
export function forecastData(series: NdArray, options: ForecastOptions): ForecastData {
  checkOptions('forecastData', options, { ...rules, validationFraction: share, missing: finite });
  const { validationFraction = 0.2, missing, horizon = 1 } = options;
  checkSeries('forecastData', series);
  const targets = targetsOf('forecastData', series, options);
  const { rows, spans } = bySeries('forecastData', series, options.groups);
  const parts = spans.map(({ begin, end }) => ({ begin, end, cut: end - Math.round((end - begin) * validationFraction) }));
  const trained = parts.map(({ begin, cut }) => ({ begin, end: cut }));
  if (longestOf(trained) < 1)
    throw new DataError(
      `forecastData: expected rows to train on, got ${series.shape[0]} rows and validationFraction ${validationFraction}.`,
    );
  const validated = longestOf(parts.map(({ cut, end }) => ({ begin: cut, end })));
  if (validated < horizon)
    throw new DataError(
      `forecastData: expected at least ${horizon} rows for validation, as many as the horizon, got ${validated} of ${longestOf(spans)}${inLongest(spans)} with validationFraction ${validationFraction}. Take a larger validationFraction, a smaller horizon, or a longer series.`,
    );
  const trainingRows = concatRows(trained.map(({ begin, end }) => rows.rows(begin, end)));
  const inputScale = new Standardizer(trainingRows);
  const targetScale = new Standardizer(takeColumns(trainingRows, targets));
  const scaled = { inputs: inputScale.apply(rows, { missing }), ahead: targetScale.apply(takeColumns(rows, targets)) };
  const before = rowsBefore(options);
  const validation = parts.map(({ begin, cut, end }) => ({ begin: Math.max(begin, cut - before), end }));
  return {
    train: windowsOf('forecastData training', scaled, trained, options),
    validation: windowsOf('forecastData validation', scaled, validation, options),
    inputScale,
    targetScale,
  };
}

/** What goes into windows, and what of the same rows is foretold. */
interface Columns {
  readonly inputs: NdArray;
  readonly ahead: NdArray;
}

function windowsOf(what: string, { inputs, ahead }: Columns, spans: readonly Span[], options: SeriesWindowOptions): SeriesRows {
  const { steps, sampling = 1, gap = 0, horizon = 1, stride = 1 } = options;
  const before = rowsBefore(options);
  const begins = spans.flatMap(({ begin, end }) => {
    const windows = Math.floor((end - begin - before - horizon) / stride) + 1;
    return Array.from({ length: Math.max(0, windows) }, (_, i) => begin + i * stride);
  });
  if (begins.length === 0) {
    const apart = sampling > 1 || gap > 0 ? ` with sampling ${sampling} and gap ${gap}` : '';
    throw new DataError(
      `${what}: expected at least ${before + horizon} rows for ${steps} steps and a horizon of ${horizon}${apart}, got ${longestOf(spans)}${inLongest(spans)}. Take fewer steps, or a longer series.`,
    );
  }
  return {
    x: stack(what, inputs, begins, steps, sampling),
    y: stack(
      what,
      ahead,
      begins.map((begin) => begin + before),
      horizon,
      1,
    ),
  };
}

function longestOf(spans: readonly Span[]): number {
  return spans.reduce((most, { begin, end }) => Math.max(most, end - begin), 0);
}

function inLongest(spans: readonly Span[]): string {
  return spans.length > 1 ? ' in the longest group' : '';
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
      copyRow(data, (begin + k * every) * columns, stacked, (i * length + k) * columns, rows * columns);
    }
  });
  return new NdArray(stacked, result);
}

function checkSeries(what: string, series: NdArray): void {
  checkArray(what, 'series', series);
  if (series.rank !== 2)
    throw new ShapeError(
      `${what}: expected a series of rank 2 [R, C], got ${formatShape(series.shape)}. Give a single column shape [R, 1].`,
    );
}

/** The columns to foretell. @throws OptionError for one that is not there */
function targetsOf(what: string, { shape }: NdArray, { targets }: SeriesWindowOptions): readonly number[] {
  const columns = shape[1]!;
  const wrong = targets?.find((column) => column >= columns);
  if (wrong !== undefined) throw new OptionError(`${what}: expected columns 0 … ${columns - 1} for targets, got ${wrong}.`);
  return targets ?? Array.from({ length: columns }, (_, column) => column);
}
