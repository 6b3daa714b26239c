/** How the models of this folder are trained, once for the examples and the accuracy runs. */
import {
  AdamW,
  type Augmentation,
  CrossEntropyLoss,
  type EvaluateOptions,
  type FitOptions,
  type History,
  type Layer,
  Rescale,
  SGD,
  Sequential,
  Trainer,
  accuracy,
  cosineDecay,
  linear,
  randomFlip,
  randomShift,
  warmup,
  type Optimizer,
  type StepSchedule,
} from 'lanewise';
import { kerasConvnet } from '../models/keras-convnet.js';
import { lenet5 } from '../models/lenet5.js';
import { smallResnet } from '../models/small-resnet.js';
import { vgg } from '../models/vgg.js';
import type { LabelledImages } from './images.js';

export interface Recipe {
  readonly net: () => Layer;
  /** Mean and deviation of the pixels, as a share of 255. */
  readonly pixels: readonly [mean: number, deviation: number];
  readonly epochs: number;
  readonly batchSize: number;
  readonly lr: number;
  /** How the learning rate goes over all steps. */
  readonly schedule: (lr: number, steps: number) => StepSchedule;
  readonly optimizer: (lr: StepSchedule) => Optimizer;
  readonly labelSmoothing: number;
  readonly augment: readonly Augmentation[];
}

const seed = 42;
/** Share of the steps in which the learning rate rises. */
const warmupShare = 0.1;

/** Rises, then falls along a cosine to zero. */
function cosine(lr: number, steps: number): StepSchedule {
  const rising = Math.max(1, Math.floor(warmupShare * steps));
  return warmup(cosineDecay(lr, { steps: Math.max(1, steps - rising) }), { steps: rising });
}

/** Rises in at most 300 steps, then falls along a line to zero. */
function line(lr: number, steps: number): StepSchedule {
  const rising = Math.max(1, Math.min(300, Math.floor(warmupShare * steps)));
  return warmup(linear(lr, { to: 0, steps: Math.max(1, steps - rising) }), { steps: rising });
}

const adamw = (lr: StepSchedule): Optimizer => new AdamW({ lr, weightDecay: 0.01 });
const sgd = (lr: StepSchedule): Optimizer => new SGD({ lr, momentum: 0.9, nesterov: true, weightDecay: 2e-4 });

const digits = {
  pixels: [0.1307, 0.3081],
  batchSize: 128,
  lr: 2e-3,
  schedule: cosine,
  optimizer: adamw,
  labelSmoothing: 0,
  augment: [randomShift(2)],
} as const;
const fashion = { pixels: [0.286, 0.353], labelSmoothing: 0.1 } as const;

export const mnistConvnet: Recipe = { ...digits, net: () => kerasConvnet({ seed }), epochs: 12 };
export const mnistLenet5: Recipe = { ...digits, net: () => lenet5({ seed }), epochs: 20 };
export const fashionSmall: Recipe = {
  ...fashion,
  net: () => vgg({ widths: [32, 64], seed }),
  epochs: 8,
  batchSize: 128,
  lr: 3e-3,
  schedule: cosine,
  optimizer: adamw,
  augment: [randomShift(2), randomFlip()],
};
export const fashionResnet: Recipe = {
  ...fashion,
  net: () => smallResnet({ seed }),
  epochs: 18,
  batchSize: 64,
  lr: 0.05,
  schedule: line,
  optimizer: sgd,
  augment: [randomShift(1), randomFlip()],
};

/** A model for images of bytes and its trainer. */
export class Course {
  readonly model: Layer;
  readonly trainer: Trainer;

  constructor(
    readonly recipe: Recipe,
    readonly train: LabelledImages,
    readonly epochs: number = recipe.epochs,
  ) {
    const { net, pixels, batchSize, lr, schedule, optimizer, labelSmoothing } = recipe;
    const [mean, deviation] = pixels;
    const steps = epochs * Math.ceil(train.y.size / batchSize);
    this.model = new Sequential({ pixels: new Rescale(1 / (255 * deviation), -mean / deviation), net: net() }, { seed });
    this.trainer = new Trainer(this.model, {
      loss: new CrossEntropyLoss({ labelSmoothing }),
      optimizer: optimizer(schedule(lr, steps)),
      metrics: [accuracy()],
    });
  }

  fit(options: Pick<FitOptions, 'validation' | 'callbacks' | 'onProgress'> = {}): Promise<History> {
    return this.trainer.fit(this.train, {
      ...options,
      epochs: this.epochs,
      batchSize: this.recipe.batchSize,
      augment: this.recipe.augment,
    });
  }

  /** Share of the images that get their class. */
  async accuracy(images: LabelledImages, options: EvaluateOptions = {}): Promise<number> {
    return (await this.trainer.evaluate(images, options)).accuracy!;
  }
}
