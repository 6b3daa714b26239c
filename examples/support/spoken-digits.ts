import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { MelSpectrogram, type NdArray, array, decibels, wavFolder } from 'lanewise';
import { SequenceClassifier } from '../models/sequence-classifier.js';
import { Misuse } from './misuse.js';
import { type LabelledSequences, SequenceCourse } from './sequence-course.js';

/** `7_jackson_32.wav`: the digit, who says it, and which recording it is. */
const fileName = /^(\d)_(\w+)_(\d+)\.wav$/;
/** Recordings 0 … 4 of every speaker and digit are the official test set. */
const testRecordings = 5;
const seed = 5;

/** Recordings as mel spectra [T, 32], with the digits, and who says them. */
export interface SpokenPart extends LabelledSequences {
  readonly x: readonly NdArray<Float32Array>[];
  readonly speakers: readonly string[];
}

export interface SpokenDigits {
  readonly train: SpokenPart;
  readonly test: SpokenPart;
  /** The files of the test set, in its order. */
  readonly files: readonly string[];
}

/** Frames of 25 ms every 10 ms, 32 mels in decibels. */
function melFrames(sampleRate: number): (signal: NdArray<Float32Array>) => NdArray<Float32Array> {
  const fftSize = Math.round(0.025 * sampleRate);
  const mel = new MelSpectrogram(sampleRate, {
    stft: { fftSize, hop: Math.round(0.01 * sampleRate) },
    mels: 32,
    range: [50, sampleRate / 2],
  });
  return (signal) => decibels(mel.apply(signal));
}

/** Brings all features together to mean 0 and deviation 1, by the statistics of the training set. */
function standardized(train: readonly NdArray<Float32Array>[], all: readonly NdArray<Float32Array>[]): readonly NdArray<Float32Array>[] {
  const count = train.reduce((n, { size }) => n + size, 0);
  const mean = train.reduce((sum, { data }) => sum + data.reduce((a, b) => a + b, 0), 0) / count;
  const variance = train.reduce((sum, { data }) => sum + data.reduce((a, b) => a + (b - mean) ** 2, 0), 0) / count;
  return all.map(({ data, shape }) =>
    array(
      data.map((value) => (value - mean) / Math.sqrt(variance)),
      shape,
    ),
  );
}

/**
 * The Free Spoken Digit Dataset from a folder of WAV files.
 * @throws Misuse that says where to get it
 */
export async function spokenDigits(folder: string): Promise<SpokenDigits> {
  if (folder === '' || !existsSync(folder)) {
    throw new Misuse(
      `expected a folder with the Free Spoken Digit Dataset, got ${folder === '' ? 'none' : `${folder}, which is not there`}. Clone ` +
        'https://github.com/Jakobovski/free-spoken-digit-dataset (CC BY-SA 4.0) and name its recordings: --data FOLDER/recordings.',
    );
  }
  const { signals, files, sampleRate } = await wavFolder(folder);
  const parsed = files.map((file) => {
    const match = fileName.exec(basename(file));
    if (match === null) throw new Misuse(`expected names like 7_jackson_32.wav in ${folder}, got ${join(folder, file)}`);
    return { digit: Number(match[1]), speaker: match[2]!, tested: Number(match[3]) < testRecordings };
  });
  const toTest = parsed.filter(({ tested }) => tested).length;
  if (toTest === 0 || toTest === parsed.length)
    throw new Misuse(
      `expected recordings 0 … ${testRecordings - 1} of a digit, to test with, and later ones, to train on, in ${folder}, got ` +
        `${toTest} of ${parsed.length} to test with.`,
    );
  const frames = signals.map(melFrames(sampleRate));
  const x = standardized(frames.filter((_, i) => !parsed[i]!.tested), frames); // prettier-ignore
  const part = (tested: boolean): SpokenPart => ({
    x: x.filter((_, i) => parsed[i]!.tested === tested),
    speakers: parsed.filter((one) => one.tested === tested).map(({ speaker }) => speaker),
    y: array(Int32Array.from(parsed.filter((one) => one.tested === tested), ({ digit }) => digit)), // prettier-ignore
  });
  return { train: part(false), test: part(true), files: files.filter((_, i) => parsed[i]!.tested) };
}

/** Two bidirectional GRU layers of 64. */
export function spokenDigitCourse({ train, test }: SpokenDigits, epochs: number = 12): SequenceCourse {
  const model = new SequenceClassifier(10, { hidden: 64, layers: 2, dropout: 0.3 });
  return new SequenceCourse(train, test, { model, epochs, batchSize: 32, lr: 3e-3, seed });
}
