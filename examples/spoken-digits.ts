/** Trains a recogniser of spoken digits on a folder of WAV files, and ends with the recordings it misheard. */
import { cpuInfo, getThreads } from 'lanewise';
import { flags, useOutput, useThreads, wholeNumber } from './support/flags.js';
import { ProgressBar } from './support/progress.js';
import { saveCurve } from './support/save-curve.js';
import { spokenDigitCourse, spokenDigits } from './support/spoken-digits.js';

const values = flags('npm run spoken-digits -- --data FOLDER: a GRU hears which digit is said, from mel spectra of WAV files', {
  data: ['', 'the recordings of the Free Spoken Digit Dataset'],
  epochs: ['12', 'times all recordings are heard'],
  threads: ['', 'threads to compute on'],
  out: ['out/spoken-digits', 'beginning of the name of the learning curve'],
});
useThreads(values.threads);
const epochs = wholeNumber('epochs', values.epochs);

const digits = await spokenDigits(values.data);
const course = spokenDigitCourse(digits, epochs);
const { train, test, files } = digits;
console.log(
  `${train.x.length} training and ${test.x.length} test recordings, filled up to ${course.batches.bounds.join(', ')} frames; ${cpuInfo().isa}, ${getThreads()} threads`,
);
await useOutput(values.out);
const bar = new ProgressBar();
const history = await course.fit({ onProgress: bar.onProgress, callbacks: [bar] });
const curve = await saveCurve(values.out, 'Spoken digits', history);

const heard = await course.classes();
const mistakes = heard.flatMap((digit, i) => (digit === test.y.data[i] ? [] : [`${files[i]} as ${digit}`]));
console.log(`\nmisheard: ${mistakes.length === 0 ? 'none' : mistakes.join(', ')}`);
console.log(`test accuracy ${(100 * (1 - mistakes.length / files.length)).toFixed(2)} %`);
console.log(`learning curve: ${curve}`);
