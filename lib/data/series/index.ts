export { type CsvOptions, type CsvTable, readCsv } from './csv.js';
export {
  type ForecastData,
  type ForecastOptions,
  type SeriesRows,
  type SeriesWindowOptions,
  forecastData,
  seriesWindows,
} from './windows.js';
