/** Learning rates that fall: functions of the step, from 0. A step is one update of the weights: one batch, or with `accumulate` several. */
import { check, checkOptions, count, nonNegative, positive, required } from '../options.js';

/** A schedule that is a function. A constant learning rate is just a number. */
export type StepSchedule = (step: number) => number;

/** Options of {@link stepDecay}. */
export interface StepDecayOptions {
  /** Steps from one drop to the next. */
  readonly stepSize: number;
  /** Factor at each drop. Default: 0.1. */
  readonly gamma?: number | undefined;
}

/**
 * lr · gamma^⌊step / stepSize⌋ @throws OptionError for wrong options
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.StepLR.html
 */
export function stepDecay(lr: number, options: StepDecayOptions): StepSchedule {
  check('stepDecay', 'lr', lr, nonNegative);
  const { stepSize, gamma = 0.1 } = checkOptions('stepDecay', options, { stepSize: required(count), gamma: positive });
  return (step) => lr * gamma ** Math.floor(step / stepSize);
}

/** Options of {@link exponentialDecay}. */
export interface ExponentialDecayOptions {
  /** Factor of each step. */
  readonly gamma: number;
}

/**
 * lr · gamma^step @throws OptionError for wrong options
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ExponentialLR.html
 */
export function exponentialDecay(lr: number, options: ExponentialDecayOptions): StepSchedule {
  check('exponentialDecay', 'lr', lr, nonNegative);
  const { gamma } = checkOptions('exponentialDecay', options, { gamma: required(positive) });
  return (step) => lr * gamma ** step;
}

/** Options of {@link cosineDecay}. */
export interface CosineDecayOptions {
  /** Steps until the end is reached; the rate stays there. */
  readonly steps: number;
  /** Rate at the end. Default: 0. */
  readonly minimum?: number | undefined;
}

/**
 * minimum + (lr − minimum) · ½ (1 + cos(π · step / steps)) @throws OptionError for wrong options
 * @see Loshchilov and Hutter 2016, https://arxiv.org/abs/1608.03983
 */
export function cosineDecay(lr: number, options: CosineDecayOptions): StepSchedule {
  check('cosineDecay', 'lr', lr, nonNegative);
  const { steps, minimum = 0 } = checkOptions('cosineDecay', options, { steps: required(count), minimum: nonNegative });
  return (step) => minimum + ((lr - minimum) * (1 + Math.cos((Math.PI * Math.min(step, steps)) / steps))) / 2;
}
