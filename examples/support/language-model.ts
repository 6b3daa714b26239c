/** A character language model with its text and its trainer, for the example and the accuracy run. */
import {
  AdamW,
  Callback,
  CrossEntropyLoss,
  type FitContext,
  type FitOptions,
  type History,
  type NdArray,
  Philox,
  type Sequential,
  type TokenRows,
  Trainer,
  Vocabulary,
  array,
  bitsPerCharacter,
  cosineDecay,
  sampleLogits,
  tokenStreams,
  warmup,
} from 'lanewise';
import { type CharLmOptions, charLm } from '../models/char-lm.js';
import { gpt } from '../models/gpt.js';

export interface CourseOptions extends CharLmOptions {
  /** An LSTM, whose state goes on through the text, or a GPT, which looks back on `steps` characters. Default: lstm. */
  readonly net?: 'lstm' | 'gpt';
  readonly epochs: number;
  /** Streams side by side. Default: 32. */
  readonly batchSize?: number;
  /** Characters the gradient goes back; the state goes further. Default: 64. */
  readonly steps?: number;
  /** Largest learning rate. Default: 0.002. */
  readonly lr?: number;
}

/** Share of the text, its end, that is only read for validation. */
const validationShare = 0.1;
/** Share of the steps in which the learning rate rises. */
const warmupShare = 0.05;

/** Trains on the first nine tenths of a text, an LSTM in order, its state going on from batch to batch, and validates on the rest. */
export class LanguageCourse {
  readonly vocabulary: Vocabulary;
  readonly model: Sequential;
  readonly train: TokenRows;
  readonly validation: TokenRows;
  readonly epochs: number;
  /** Characters that a stream of the model can look back on. */
  readonly context: number;
  readonly #trainer: Trainer;
  readonly #batchSize: number;

  constructor(text: string, { net = 'lstm', epochs, batchSize = 32, steps = 64, lr = 2e-3, ...model }: CourseOptions) {
    this.epochs = epochs;
    this.context = net === 'gpt' ? steps : Infinity;
    this.#batchSize = batchSize;
    this.vocabulary = Vocabulary.from(text);
    const ids = this.vocabulary.encode(text);
    const split = Math.round(ids.length * (1 - validationShare));
    this.train = tokenStreams(ids.subarray(0, split), { steps, batchSize });
    this.validation = tokenStreams(ids.subarray(split), { steps, batchSize });
    const { hidden, layers, ...rest } = model;
    const size = this.vocabulary.size;
    this.model =
      net === 'lstm'
        ? charLm(size, model)
        : gpt(size, { ...rest, context: steps, ...(hidden && { width: hidden }), ...(layers && { blocks: layers }) });
    const total = (epochs * this.train.x.shape[0]!) / batchSize;
    const rising = Math.max(1, Math.floor(warmupShare * total));
    const schedule = warmup(cosineDecay(lr, { steps: Math.max(1, total - rising) }), { steps: rising });
    this.#trainer = new Trainer(this.model, {
      loss: new CrossEntropyLoss(),
      optimizer: new AdamW({ lr: schedule, weightDecay: 0.01 }),
      metrics: [bitsPerCharacter()],
      // Long sequences now and then give gradients that would throw the weights far away.
      clipNorm: 1,
    });
  }

  fit(options: Pick<FitOptions, 'callbacks' | 'onProgress'> = {}): Promise<History> {
    const { epochs, train, validation } = this;
    const carryState = this.context === Infinity;
    return this.#trainer.fit(train, { ...options, epochs, batchSize: this.#batchSize, carryState, validation });
  }
}

/** Goes on from a beginning, character by character. Where a stream is at its end it begins again with the last half of what it saw. */
export function generate(
  { model, vocabulary, context }: LanguageCourse,
  beginning: string,
  length: number,
  options: { readonly random: Philox; readonly temperature: number },
): string {
  const stream = model.stream();
  const ids = [...vocabulary.encode(beginning)];
  const read = (some: readonly number[]): NdArray<Float32Array> => some.map((id) => stream.step(array(Int32Array.of(id)))).at(-1)!;
  let seen = ids.length;
  let logits = read(ids);
  while (ids.length < length) {
    const [next] = sampleLogits(logits, options);
    ids.push(next!);
    if (seen++ === context) {
      stream.reset();
      seen = Math.ceil(context / 2);
      logits = read(ids.slice(-seen));
    } else logits = read([next!]);
  }
  return vocabulary.decode(ids);
}

/** Prints what the model writes after each epoch. */
export class Samples extends Callback {
  readonly #course: LanguageCourse;
  readonly #length: number;
  readonly #temperature: number;
  readonly #random = new Philox(1);

  constructor(course: LanguageCourse, length: number, temperature: number) {
    super();
    this.#course = course;
    this.#length = length;
    this.#temperature = temperature;
  }

  override onEpoch(_record: unknown, _context: FitContext): void {
    const beginning = this.#course.vocabulary.tokens[0]!;
    const text = generate(this.#course, beginning, this.#length, { random: this.#random, temperature: this.#temperature });
    console.log(`  | ${text.trim().replaceAll('\n', '\n  | ')}\n`);
  }
}
