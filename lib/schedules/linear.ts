/** Learning rates that change along a line: linear() and warmup(). */
import { check, checkOptions, count, nonNegative, rate, required } from '../options.js';
import type { Schedule } from '../optimizers/optimizer.js';
import type { StepSchedule } from './decay.js';

/** Options of {@link linear}. */
export interface LinearScheduleOptions {
  /** Rate at the end. */
  readonly to: number;
  /** Steps until the end is reached; the rate stays there. */
  readonly steps: number;
}

/**
 * lr + (to − lr) · step / steps @throws OptionError for wrong options
 * @see https://pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.LinearLR.html (there factors of the rate)
 */
export function linear(lr: number, options: LinearScheduleOptions): StepSchedule {
  check('linear', 'lr', lr, nonNegative);
  const { to, steps } = checkOptions('linear', options, { to: required(nonNegative), steps: required(count) });
  return (step) => lr + ((to - lr) * Math.min(step, steps)) / steps;
}

/** Options of {@link warmup}. */
export interface WarmupOptions {
  /** Steps until the full rate is reached. */
  readonly steps: number;
}

/**
 * The rate of another schedule, times (step + 1) / steps for the first steps; that schedule begins after them. @throws OptionError for wrong options
 * @see Goyal et al. 2017, https://arxiv.org/abs/1706.02677
 */
export function warmup(schedule: Schedule, options: WarmupOptions): StepSchedule {
  check('warmup', 'schedule', schedule, rate);
  const { steps } = checkOptions('warmup', options, { steps: required(count) });
  const at = (step: number): number => (typeof schedule === 'number' ? schedule : schedule(step));
  return (step) => (step < steps ? (at(0) * (step + 1)) / steps : at(step - steps));
}
