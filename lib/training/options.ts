/** What a trainer is told, checked before anything is computed. */
import type { Outputs } from '../graph/outputs.js';
import type { Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import type { Augmentation } from '../data/augment/augmentation.js';
import { isNdArray } from '../array-check.js';
import { OptionError } from '../errors.js';
import { Loss } from '../losses/loss.js';
import type { Penalty } from '../losses/penalty.js';
import { Metric } from '../metrics/metric.js';
import { Optimizer } from '../optimizers/optimizer.js';
import {
  type Rule,
  type Rules,
  abortSignal,
  boolean,
  callable,
  checkOptions,
  count,
  either,
  kindOf,
  positiveFloat,
  required,
  wideSeed,
} from '../options.js';
import { type Batch, type BatchSource, type Targets, isData } from './batch.js';
import { Callback } from './callback.js';
import { validationName } from './history.js';

/** Some parameters and the optimizer that updates them. */
export interface ParameterGroup {
  /** Paths of layers or parameters, `['encoder']` for all below it, or a choice: `(path, shape) => shape.length < 2` for biases and norms. */
  readonly parameters: readonly string[] | ((path: string, shape: Shape) => boolean);
  /** Another rate, decay or rule than the trainer's own: `new AdamW({ lr: 1e-5 })`. */
  readonly optimizer: Optimizer;
}

/** Options of {@link Trainer}. */
export interface TrainerOptions<Output extends Outputs = Tensor> {
  /** What training makes small, with the penalties and what layers add to it (`scope.addLoss`). `Losses` for several outputs. */
  readonly loss: Loss<Output, never>;
  /** Parameters that the loss does not depend on keep their values and their state in it: no weight decay there either. */
  readonly optimizer: Optimizer;
  /** Parameters with an optimizer of their own; the first group that has a parameter counts. Default: none. */
  readonly groups?: readonly ParameterGroup[] | undefined;
  /** Reported beside the loss. Default: none. */
  readonly metrics?: readonly Metric<Output, never>[] | undefined;
  /** Terms added to the loss for the weights (parameters of rank ≥ 2): `l2(1e-4)`. Default: none. */
  readonly penalties?: readonly Penalty[] | undefined;
  /** Largest Euclidean norm of all gradients together; longer ones are scaled down. Default: no limit. */
  readonly clipNorm?: number | undefined;
  /** Largest absolute value of a gradient element. Default: no limit. */
  readonly clipValue?: number | undefined;
  /** Report `gradientNorm` beside the loss while training: the Euclidean norm of all gradients together, before clipping. Default: false. */
  readonly gradientNorm?: boolean | undefined;
  /**
   * Paths of layers or parameters that keep their values: `['encoder']` for all that is called below it. Neither penalties nor clipping see them, and no gradients are
   * computed that only they need. Frozen layers work as in prediction: BatchNorm takes its running statistics and leaves them, dropout is off. A path of
   * one parameter, `['encoder.0.weight']`, leaves its layer in training. Default: none.
   */
  readonly frozen?: readonly string[] | undefined;
  /** Seed of shuffling, of dropout and, for a model not yet built, of its first weights. Default: the model's seed, else 0. */
  readonly seed?: number | bigint | undefined;
}

/** Where a fit is. */
export interface Progress {
  /** Of this fit, from 1. */
  readonly epoch: number;
  /** Epochs that this fit is to have. */
  readonly epochs: number;
  /** Finished steps of this epoch. */
  readonly step: number;
  /** Steps an epoch. For batches of unknown number an estimate, the steps of the epoch before, and undefined in the first. */
  readonly steps: number | undefined;
  /** Loss of the last finished step. */
  readonly loss: number;
}

/** Options of {@link Trainer.fit}. */
export interface FitOptions {
  /** Times the whole data is gone through. Default: 1. */
  readonly epochs?: number | undefined;
  /** Rows a step; the last batch of an epoch may be smaller. Not for data that comes in batches. Default: 32. */
  readonly batchSize?: number | undefined;
  /**
   * Leave the rows out that are left when the data is cut into batches, which are others in each epoch if shuffled: for layers that need
   * more rows than may be left, such as BatchNorm. Not for data that comes in batches. Default: false.
   */
  readonly dropLast?: boolean | undefined;
  /**
   * Steps after which an epoch ends, for sources that do not. The next epoch goes on in the source where this one stopped, or, as soon as the
   * source ends, begins it anew; an epoch within which it ends is shorter. Only for data that comes in batches. Default: to the end of the source.
   */
  readonly stepsPerEpoch?: number | undefined;
  /**
   * Ask the source for the next batch while a step runs, so that what it waits for costs no time. It then sees the model and the trainer
   * in the midst of that step: not for batches that depend on them. Only for data that comes in batches. Default: false.
   */
  readonly prefetch?: boolean | undefined;
  /**
   * Batches whose gradients together make one update, with the memory that one batch takes. Each gradient weighs what its batch counts in the loss
   * (rows, tokens without padding), so the update is that of all rows in one batch, however unequal the batches; but BatchNorm sees one at a time, losses of
   * several outputs (`Losses`) that leave rows out are weighed together, what `scope.addLoss` adds to a sum is added for each, and all
   * rows of a table of {@link Embedding} are updated, unless it is `sparse`. What is left at the end of an epoch makes an update too. Schedules count updates. Default: 1.
   */
  readonly accumulate?: number | undefined;
  /** New random order each epoch. Default: true, with carryState false. */
  readonly shuffle?: boolean | undefined;
  /**
   * Go on in each batch with the states the recurrent layers had at the end of the one before: truncated backpropagation through time. They
   * are zeros where an epoch begins (with `stepsPerEpoch` where the source begins anew) and after the fit. Row i of a batch must follow row i of
   * the batch before, so rows are not shuffled and all batches have the same number of them (`dropLast` if need be). Gradients stop where a batch
   * begins. A first state that is given to a recurrent layer counts in the first batch alone. All recurrent layers go on, an encoder in the
   * model too: call what reads a whole sequence in each batch, or those within a step, through `scope.apart()`. Holds for the validation too. Default: false.
   */
  readonly carryState?: boolean | undefined;
  /** Changes of the training batches of one input and one target, in this order, drawn from the trainer's seed anew for each image and step. Default: none. */
  readonly augment?: readonly Augmentation[] | undefined;
  /**
   * Evaluated after each epoch: rows, which are checked and copied before the first step, or batches as they come. Default: none.
   */
  readonly validation?: Batch<Targets> | BatchSource | undefined;
  /** Called before the first epoch, after each and after the last, in this order. Default: none. */
  readonly callbacks?: readonly Callback[] | undefined;
  /**
   * Ends the fit with the signal's reason; the weights are those of the last finished step. A source of batches has half a second to
   * close first: the `finally` of a generator.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * Called at most 20 times a second, and at the end of each epoch. What it throws ends the fit, and so does a promise it returns that is
   * rejected; the end of an epoch waits for all of it.
   */
  readonly onProgress?: ((progress: Progress) => unknown) | undefined;
  /** Keep the figures of each step in the records, 4 bytes each: for learning curves, or to find a learning rate. Default: false. */
  readonly keepSteps?: boolean | undefined;
  /** Refuse data with NaN or infinity before the first step. Default: false. */
  readonly checkFinite?: boolean | undefined;
  /**
   * Run one instruction at a time on this thread and name the layer of the first NaN, or of the first infinity that is not meant: those of a number in the
   * model, as in `where(mask, -Infinity, 0)` (not in an array), or of a row that CTC cannot align, and what is computed from them, pass unless they outlive
   * the step. Slow. Default: false.
   */
  readonly debug?: boolean | undefined;
}

/** Options of {@link Trainer.evaluate}. */
export interface EvaluateOptions {
  /** Rows a step. Not for data that comes in batches. Default: 256, but with carryState none: row i goes on in row i of the next batch. */
  readonly batchSize?: number | undefined;
  /** Go on in each batch with the states of the one before, as in fit. Default: false. */
  readonly carryState?: boolean | undefined;
  /** Ends the evaluation with the signal's reason, within a step. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link Trainer.step}. */
export interface TrainStepOptions {
  /**
   * Go on with the states that the last such step of as many rows left in the recurrent layers; {@link Trainer.resetStates} makes them
   * zeros again, and so does every epoch of fit. Default: false.
   */
  readonly carryState?: boolean | undefined;
  /** Changes of this batch as in fit; the same objects in each step, for a program is compiled with them. Default: none. */
  readonly augment?: readonly Augmentation[] | undefined;
  /**
   * Update the weights with the gradients of this batch and of those that wait for it. False: its gradients wait for a step that does, as with
   * `accumulate` in {@link FitOptions}; `fit`, `load` and `zeroGradients` forget them. Default: true.
   */
  readonly update?: boolean | undefined;
  /** Refuse a batch with NaN or infinity before the step. Default: false. */
  readonly checkFinite?: boolean | undefined;
}

/** An object made by this library, such as an example of it, or by a class that extends one of its own, with what is abstract there. */
function instance<T extends object>(kind: abstract new () => T, example: string, ...abstract: readonly (keyof T & string)[]): Rule {
  const members = abstract.length === 0 ? '' : ` with ${abstract.join(' and ')}`;
  return {
    expected: `${/^[AEIOU]/.test(kind.name) ? 'an' : 'a'} ${kind.name}${members}`,
    accepts: (value) => value instanceof kind && abstract.every((name) => name in value),
    advice: `For example ${example}.`,
  };
}

function list(rule: Rule): Rule {
  return {
    ...rule,
    expected: `a list, each ${rule.expected}`,
    // Holes are looked at too.
    accepts: (value) => Array.isArray(value) && Array.from(value).every((item) => rule.accepts(item)),
  };
}

const name: Rule = { expected: 'a path', accepts: (value) => typeof value === 'string' };
const loss = instance(Loss, 'new CrossEntropyLoss()', 'forward');
const optimizer = instance(Optimizer, 'new Adam({ lr: 0.001 })', 'slots', 'update');
const metric = instance(Metric, '[accuracy()]', 'name', 'forward');
const groupRules: Rules<ParameterGroup> = { parameters: either(list(name), callable), optimizer };
const group: Rule = {
  expected: '{ parameters, optimizer }, a list of paths or a function of path and shape, and an Optimizer',
  accepts: (value) =>
    typeof value === 'object' &&
    value !== null &&
    'parameters' in value &&
    groupRules.parameters.accepts(value.parameters) &&
    'optimizer' in value &&
    groupRules.optimizer.accepts(value.optimizer),
};
const augmentation: Rule = {
  expected: 'an augmentation, { name, forward }',
  accepts: (value) =>
    typeof value === 'object' && value !== null && 'forward' in value && callable.accepts(value.forward) && 'name' in value,
  advice: 'For example [randomFlip()].',
};
const batches: Rule = { expected: 'an object { x, y } of arrays, or batches as they come', accepts: isData };

export function checkTrainerOptions(options: TrainerOptions<never>): void {
  checkOptions('Trainer', options, {
    loss: required(loss),
    optimizer: required(optimizer),
    groups: list(group),
    metrics: list(metric),
    penalties: list(callable),
    clipNorm: positiveFloat,
    clipValue: positiveFloat,
    gradientNorm: boolean,
    frozen: list(name),
    seed: wideSeed,
  });
  for (const one of options.groups ?? []) checkOptions('Trainer groups', one, groupRules);
  checkNames((options.metrics ?? []).map(({ name }) => name));
}

/** @throws OptionError unless all figures of an epoch have different names, those of the validation too */
function checkNames(metrics: readonly string[]): void {
  const figures = ['loss', ...metrics];
  const names = ['lr', 'gradientNorm', ...figures, ...figures.map(validationName)];
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return;
  throw new OptionError(
    `Trainer: expected figures of different names beside lr, loss and gradientNorm, also with val before them for the validation, got ${twice} twice. Rename one: metric.as('…').`,
  );
}

/** As checkOptions. @throws OptionError also for targets in their place, which follow the inputs elsewhere */
function checkOptionsOf<Options extends object>(what: string, options: Options, rules: Rules<Options>): Options {
  if (isNdArray(options) || Array.isArray(options) || ArrayBuffer.isView(options))
    throw new OptionError(
      `${what}: expected an object of options after the data, got ${kindOf(options)}. Call ${what}({ x, y }, options).`,
    );
  return checkOptions(what, options, rules);
}

/** @returns what to use of them, as checkOptions */
export function checkFitOptions(options: FitOptions): FitOptions {
  const checked = checkOptionsOf('fit', options, {
    epochs: count,
    batchSize: count,
    dropLast: boolean,
    accumulate: count,
    stepsPerEpoch: count,
    prefetch: boolean,
    shuffle: boolean,
    carryState: boolean,
    augment: list(augmentation),
    validation: batches,
    callbacks: list(instance(Callback, '[new EarlyStopping()], or a class of your own that extends Callback')),
    signal: abortSignal,
    onProgress: callable,
    keepSteps: boolean,
    checkFinite: boolean,
    debug: boolean,
  });
  if (checked.carryState === true && checked.shuffle === true)
    throw new OptionError('fit: expected shuffle: false with carryState, got true. Rows of one batch go on in the next.');
  return checked;
}

/** What is for batches as they come only. */
export function checkFitOptionsForRows({ stepsPerEpoch, prefetch }: FitOptions): void {
  if (stepsPerEpoch !== undefined)
    throw new OptionError('fit: expected no stepsPerEpoch for arrays, got one. An epoch goes through all rows: set batchSize or epochs.');
  if (prefetch !== undefined)
    throw new OptionError('fit: expected no prefetch for arrays, got one. Leave it out: they are there before the first step.');
}

/** What is for rows only. */
export function checkFitOptionsForBatches({ batchSize, dropLast, shuffle }: FitOptions): void {
  if (batchSize !== undefined)
    throw new OptionError('fit: expected no batchSize for data that comes in batches, got one. Set the size where the batches are made.');
  if (dropLast !== undefined)
    throw new OptionError('fit: expected no dropLast for data that comes in batches, got one. Leave batches out where they are made.');
  if (shuffle === true)
    throw new OptionError('fit: expected no shuffle for data that comes in batches, got true. Shuffle where the batches are made.');
}

/** @param ofRows the data is { x, y }, not batches as they come. @returns what to use of them, as checkOptions */
export function checkEvaluateOptions(options: EvaluateOptions, ofRows: boolean): EvaluateOptions {
  const checked = checkOptionsOf('evaluate', options, { batchSize: count, carryState: boolean, signal: abortSignal });
  if (!ofRows && checked.batchSize !== undefined)
    throw new OptionError(
      'evaluate: expected no batchSize for data that comes in batches, got one. Set the size where the batches are made.',
    );
  if (ofRows && checked.carryState === true && checked.batchSize === undefined)
    throw new OptionError(
      'evaluate: expected batchSize with carryState, got none. Give that of the training: row i goes on in row i of the next batch.',
    );
  return checked;
}

/** @returns what to use of them, as checkOptions */
export function checkTrainStepOptions(options: TrainStepOptions): TrainStepOptions {
  return checkOptionsOf('step', options, { augment: list(augmentation), carryState: boolean, update: boolean, checkFinite: boolean });
}
