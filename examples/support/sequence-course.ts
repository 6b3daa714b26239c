/** How sequences of different lengths are classified, once for the examples and the accuracy runs. */
import {
  AdamW,
  BucketedBatches,
  CrossEntropyLoss,
  type FitOptions,
  type History,
  type Layer,
  type NdArray,
  type Sequence,
  type Tensor,
  Trainer,
  accuracy,
  cosineDecay,
  padSequences,
} from 'lanewise';

export interface LabelledSequences {
  readonly x: readonly Sequence[];
  /** [N]: class ids */
  readonly y: NdArray<Int32Array>;
}

export interface SequenceRecipe {
  readonly model: Layer<[x: Tensor, lengths: Tensor]>;
  readonly epochs: number;
  readonly batchSize: number;
  readonly lr: number;
  readonly seed: number;
}

/** Batches of similar lengths, a learning rate that falls along a cosine, clipped gradients. */
export class SequenceCourse {
  readonly batches: BucketedBatches;
  readonly model: Layer<[x: Tensor, lengths: Tensor]>;
  readonly epochs: number;
  readonly #trainer: Trainer;
  readonly #inputs: readonly NdArray[];
  readonly #truth: NdArray;

  constructor(train: LabelledSequences, test: LabelledSequences, { model, epochs, batchSize, lr, seed }: SequenceRecipe) {
    this.model = model;
    this.epochs = epochs;
    this.batches = new BucketedBatches(train, { batchSize, seed });
    const schedule = cosineDecay(lr, { steps: epochs * Math.ceil(train.x.length / batchSize) });
    this.#trainer = new Trainer(model, {
      loss: new CrossEntropyLoss(),
      optimizer: new AdamW({ lr: schedule, weightDecay: 0.01 }),
      metrics: [accuracy()],
      clipNorm: 1,
      seed,
    });
    const { x, lengths } = padSequences(test.x);
    this.#inputs = [x, lengths];
    this.#truth = test.y;
  }

  fit(options: Pick<FitOptions, 'callbacks' | 'onProgress'> = {}): Promise<History> {
    return this.#trainer.fit(this.batches, { ...options, epochs: this.epochs, validation: { x: this.#inputs, y: this.#truth } });
  }

  /** The class of each test sequence. */
  async classes(): Promise<readonly number[]> {
    const { data, shape } = await this.#trainer.predict(this.#inputs);
    const classes = shape[1]!;
    return Array.from({ length: shape[0]! }, (_, row) => {
      const logits = data.subarray(row * classes, (row + 1) * classes);
      return logits.indexOf(logits.reduce((most, logit) => Math.max(most, logit)));
    });
  }
}
