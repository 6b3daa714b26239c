/** Trains a classifier of e-mail, wanted or spam, on messages of different lengths, and ends with what it mistook for what. */
import { cpuInfo, getThreads } from 'lanewise';
import { flags, useOutput, useThreads, wholeNumber } from './support/flags.js';
import { ProgressBar } from './support/progress.js';
import { saveCurve } from './support/save-curve.js';
import { mailClasses, spamAssassin, spamTask } from './support/spam.js';

const values = flags('npm run spam: a GRU reads e-mail from the SpamAssassin corpus and tells spam from the rest', {
  messages: ['6046', 'read only so many'],
  words: ['200', 'words read of each message'],
  epochs: ['6', 'times all messages are read'],
  threads: ['', 'threads to compute on'],
  out: ['out/spam', 'beginning of the name of the learning curve'],
});
useThreads(values.threads);

const epochs = wholeNumber('epochs', values.epochs);
const words = wholeNumber('words', values.words);

const mails = await spamAssassin(wholeNumber('messages', values.messages, 6046, 10));
const { course, vocabulary, truth } = spamTask(mails, { epochs, words });
console.log(
  `${mails.length} messages, ${vocabulary.size} words, filled up to ${course.batches.bounds.join(', ')}; ${cpuInfo().isa}, ${getThreads()} threads`,
);
await useOutput(values.out);
const bar = new ProgressBar();
const history = await course.fit({ onProgress: bar.onProgress, callbacks: [bar] });
const curve = await saveCurve(values.out, 'Spam', history);

const said = await course.classes();
console.log(`\n${'test messages'.padEnd(14)} ${mailClasses.map((name) => `said ${name}`.padStart(12)).join('')}`);
const tableRow = (name: string, label: number): string =>
  `${name.padEnd(14)} ${mailClasses.map((_, other) => String(said.filter((id, i) => id === other && truth.data[i] === label).length).padStart(12)).join('')}`;
mailClasses.forEach((name, label) => console.log(tableRow(name, label)));
const share = said.filter((id, i) => id === truth.data[i]).length / truth.size;
const wanted = truth.data.filter((label) => label === 0).length / truth.size;
console.log(`\ntest accuracy ${(100 * share).toFixed(2)} %; calling nothing spam has ${(100 * wanted).toFixed(2)} %`);
console.log(`learning curve: ${curve}`);
