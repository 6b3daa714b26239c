/**
 * A character LSTM on the 1.1 MB of Shakespeare known as tiny Shakespeare, first 90 % to train, last 10 % to validate: at most 1.60 nats
 * a character in half an hour on two processors. The file is named by the environment variable TINY_SHAKESPEARE.
 */
import { readFile } from 'node:fs/promises';
import { LanguageCourse } from '../examples/support/language-model.js';
import type { Finding } from './finding.js';
import { pathIn } from './support/path-in.js';

const target = { loss: 1.6, minutes: 30 };

export async function run(): Promise<readonly Finding[]> {
  const file = pathIn('TINY_SHAKESPEARE', 'input.txt of https://github.com/karpathy/char-rnn');
  const course = new LanguageCourse(await readFile(file, 'utf8'), { epochs: 12, hidden: 256, dropout: 0.2, seed: 42 });
  const begin = performance.now();
  const { last } = await course.fit();
  const minutes = (performance.now() - begin) / 60_000;
  const { valLoss, valBitsPerCharacter } = last!.metrics;
  return [
    {
      what: `validation loss after ${course.epochs} epochs, ${course.model.summary().parameters.toLocaleString('en')} parameters`,
      value: `${valLoss!.toFixed(3)} nats/char, ${valBitsPerCharacter!.toFixed(3)} bits/char`,
      target: `≤ ${target.loss.toFixed(2)} nats/char`,
      met: valLoss! <= target.loss,
    },
    { what: 'time', value: `${minutes.toFixed(1)} min`, target: `≤ ${target.minutes} min`, met: minutes <= target.minutes },
  ];
}
