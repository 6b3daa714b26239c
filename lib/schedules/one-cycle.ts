import { type Rules, check, checkOptions, count, fraction, nonNegative, positive, required } from '../options.js';
import type { StepSchedule } from './decay.js';

/** Options of {@link oneCycle}. */
export interface OneCycleOptions {
  /** Steps until the end is reached; the rate stays there. */
  readonly steps: number;
  /** Share of the steps in which the rate rises. Default: 0.3. */
  readonly pctStart?: number | undefined;
  /** The first rate is lr / divFactor. Default: 25. */
  readonly divFactor?: number | undefined;
  /** The last rate is the first / finalDivFactor. Default: 1e4. */
  readonly finalDivFactor?: number | undefined;
}

const rules: Rules<OneCycleOptions> = { steps: required(count), pctStart: fraction, divFactor: positive, finalDivFactor: positive };

/**
 * Up to lr and down again, each by half a period of the cosine: a fast way to train with large rates. Only the rate changes, not the momentum.
 *
 * With first = lr / divFactor, last = first / finalDivFactor and peak = pctStart · steps − 1:
 * first + (lr − first) · ½ (1 − cos(π · step / peak)) before the peak, from there on
 * last + (lr − last) · ½ (1 + cos(π · (step − peak) / (steps − 1 − peak))), and last from step steps − 1 on.
 *
 * @throws OptionError for wrong options
 * @see Smith and Topin 2017, https://arxiv.org/abs/1708.07120; https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.OneCycleLR.html
 */
export function oneCycle(lr: number, options: OneCycleOptions): StepSchedule {
  check('oneCycle', 'lr', lr, nonNegative);
  const { steps, pctStart = 0.3, divFactor = 25, finalDivFactor = 1e4 } = checkOptions('oneCycle', options, rules);
  const first = lr / divFactor;
  const last = first / finalDivFactor;
  const peak = pctStart * steps - 1;
  const between = (from: number, to: number, share: number): number => to + ((from - to) * (1 + Math.cos(Math.PI * share))) / 2;
  return (step) =>
    step < peak ? between(first, lr, step / peak) : between(lr, last, (Math.min(step, steps - 1) - peak) / (steps - 1 - peak));
}
