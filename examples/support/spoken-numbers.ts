import {
  AdamW,
  type Batch,
  CTCLoss,
  type FitOptions,
  type History,
  type NdArray,
  Philox,
  Trainer,
  array,
  cosineDecay,
  ctcDecode,
  errorRate,
  padSequences,
} from 'lanewise';
import { Transcriber } from '../models/transcriber.js';
import type { SpokenDigits, SpokenPart } from './spoken-digits.js';

const seed = 7;
const batchSize = 32;
const mostDigits = 6;
/** Batches are filled up to a multiple of so many frames, so that there are few programs. */
const frameStep = 64;

/** Digits said one after another, and their frames [T, mels]. */
export interface SpokenNumber {
  readonly digits: readonly number[];
  readonly frames: NdArray<Float32Array>;
}

/** One to six recordings of one speaker, one behind the other. */
function spokenNumber({ x, y, speakers }: SpokenPart, random: Philox): SpokenNumber {
  const below = (n: number): number => Math.floor(random.uniform53(1)[0]! * n);
  const speaker = speakers[below(speakers.length)]!;
  const own = speakers.flatMap((one, i) => (one === speaker ? [i] : []));
  const chosen = Array.from({ length: 1 + below(mostDigits) }, () => own[below(own.length)]!);
  const parts = chosen.map((i) => x[i]!);
  const frames = new Float32Array(parts.reduce((n, { size }) => n + size, 0));
  let at = 0;
  for (const { data } of parts) {
    frames.set(data, at);
    at += data.length;
  }
  return { digits: chosen.map((i) => y.data[i]!), frames: array(frames, [at / parts[0]!.shape[1]!, parts[0]!.shape[1]!]) };
}

/** Classes 1 … 10 are the digits, 0 is the blank. */
function batchOf(numbers: readonly SpokenNumber[]): Batch<{ labels: NdArray; lengths: NdArray }> {
  const longest = numbers.reduce((most, { frames }) => Math.max(most, frames.shape[0]!), 0);
  const { x, lengths } = padSequences(numbers.map(({ frames }) => frames), { length: Math.ceil(longest / frameStep) * frameStep }); // prettier-ignore
  const labels = new Int32Array(numbers.length * mostDigits).fill(-1);
  numbers.forEach(({ digits }, n) => labels.set(digits.map((digit) => digit + 1), n * mostDigits)); // prettier-ignore
  return { x: [x, lengths], y: { labels: array(labels, [numbers.length, mostDigits]), lengths } };
}

/** Reads numbers digit by digit, without being told where in a recording a digit is. */
export class SpokenNumberCourse {
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  /** Numbers of test recordings. */
  readonly test: readonly SpokenNumber[];
  readonly #digits: SpokenDigits;
  readonly #trainer: Trainer;

  constructor(digits: SpokenDigits, epochs: number, stepsPerEpoch: number = 60) {
    this.#digits = digits;
    this.epochs = epochs;
    this.stepsPerEpoch = stepsPerEpoch;
    const random = new Philox(seed, 1);
    this.test = Array.from({ length: 300 }, () => spokenNumber(digits.test, random));
    this.#trainer = new Trainer(new Transcriber(11, { hidden: 64, dropout: 0.2 }), {
      loss: new CTCLoss(),
      optimizer: new AdamW({ lr: cosineDecay(4e-3, { steps: epochs * stepsPerEpoch }), weightDecay: 0.01 }),
      clipNorm: 1,
      seed,
    });
  }

  fit(options: Pick<FitOptions, 'callbacks' | 'onProgress'> = {}): Promise<History> {
    const { epochs, stepsPerEpoch } = this;
    return this.#trainer.fit(() => this.#batches(), { ...options, epochs, stepsPerEpoch, prefetch: true, validation: batchOf(this.test) });
  }

  /** What it hears in the test numbers. */
  async heard(): Promise<readonly (readonly number[])[]> {
    const { x, y } = batchOf(this.test);
    const scores = await this.#trainer.predict(x, { batchSize: 50 });
    return ctcDecode(scores, { lengths: y.lengths.data }).map((labels) => labels.map((label) => label - 1));
  }

  /** The share of digits heard wrongly, too many or not at all. */
  async errorRate(): Promise<number> {
    return errorRate(await this.heard(), this.test.map(({ digits }) => digits)); // prettier-ignore
  }

  /** New numbers for ever. */
  *#batches(): Generator<Batch<{ labels: NdArray; lengths: NdArray }>> {
    const random = new Philox(seed, 2);
    for (;;) yield batchOf(Array.from({ length: batchSize }, () => spokenNumber(this.#digits.train, random)));
  }
}
