/** Learns to write down numbers that are said digit by digit, without being told where a digit begins, and ends with what it misheard. */
import { cpuInfo, getThreads } from 'lanewise';
import { flags, useOutput, useThreads, wholeNumber } from './support/flags.js';
import { ProgressBar } from './support/progress.js';
import { saveCurve } from './support/save-curve.js';
import { spokenDigits } from './support/spoken-digits.js';
import { SpokenNumberCourse } from './support/spoken-numbers.js';

const values = flags('npm run spoken-numbers -- --data FOLDER: a GRU writes down one to six digits said one after another (CTC)', {
  data: ['', 'the recordings of the Free Spoken Digit Dataset'],
  epochs: ['15', 'times new numbers are heard'],
  steps: ['60', 'batches of 32 numbers an epoch'],
  threads: ['', 'threads to compute on'],
  out: ['out/spoken-numbers', 'beginning of the name of the learning curve'],
});
useThreads(values.threads);
const epochs = wholeNumber('epochs', values.epochs);
const steps = wholeNumber('steps', values.steps);

const course = new SpokenNumberCourse(await spokenDigits(values.data), epochs, steps);
console.log(`${course.test.length} test numbers of recordings that are not trained on; ${cpuInfo().isa}, ${getThreads()} threads`);
await useOutput(values.out);
const bar = new ProgressBar();
const history = await course.fit({ onProgress: bar.onProgress, callbacks: [bar] });
const curve = await saveCurve(values.out, 'Spoken numbers', history);

const heard = await course.heard();
const mistakes = heard.flatMap((digits, i) => {
  const said = course.test[i]!.digits.join(' ');
  return digits.join(' ') === said ? [] : [`${said} as ${digits.join(' ') || 'nothing'}`];
});
console.log(`\nmisheard: ${mistakes.length === 0 ? 'none' : mistakes.join(', ')}`);
console.log(
  `digits wrong ${(100 * (await course.errorRate())).toFixed(2)} %, numbers right ${heard.length - mistakes.length} of ${heard.length}`,
);
console.log(`learning curve: ${curve}`);
