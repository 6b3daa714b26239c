export { readCsv } from './csv.js';
export type { CsvOptions, CsvTable } from './csv-options.js';
export type { SeriesGroups } from './series-groups.js';
export {
  type ForecastData,
  type ForecastOptions,
  type SeriesRows,
  type SeriesWindowOptions,
  forecastData,
  seriesWindows,
} from './windows.js';
