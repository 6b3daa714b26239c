import type { Loss } from '../losses/loss.js';
import type { Penalty } from '../losses/penalty.js';
import type { Metric } from '../metrics/metric.js';
import type { Model } from '../model/model.js';
import type { Optimizer } from '../optimizers/optimizer.js';
import { kept } from '../options.js';
import type { ParameterGroup, TrainerOptions } from './options.js';

/** A loss of any outputs and targets: those of one recipe fit each other. */
export type AnyLoss = Loss<never, never>;
export type AnyMetric = Metric<never, never>;

/** What a trainer is told, with the defaults; copies, which stay as they were checked. */
export interface Recipe {
  readonly model: Model;
  readonly loss: AnyLoss;
  readonly optimizer: Optimizer;
  readonly groups: readonly ParameterGroup[];
  readonly metrics: readonly AnyMetric[];
  readonly penalties: readonly Penalty[];
  readonly clipNorm: number | undefined;
  readonly clipValue: number | undefined;
  /** Whether training reports it. */
  readonly gradientNorm: boolean;
  /** Paths of what keeps its values; layers among them are in evaluation mode. */
  readonly frozen: readonly string[];
  readonly seed: bigint;
}

export function recipeOf(model: Model, options: TrainerOptions<never>): Recipe {
  const {
    loss,
    optimizer,
    groups = [],
    metrics = [],
    penalties = [],
    clipNorm,
    clipValue,
    gradientNorm = false,
    frozen = [],
    seed = model.seed,
  } = options;
  return {
    model,
    loss,
    optimizer,
    groups: groups.map((group) => ({ parameters: kept(group.parameters), optimizer: group.optimizer })),
    metrics: kept(metrics),
    penalties: kept(penalties),
    clipNorm,
    clipValue,
    gradientNorm,
    frozen: kept(frozen),
    seed: BigInt(seed),
  };
}

/** All optimizers, the trainer's own first. */
export function optimizersOf({ optimizer, groups }: Recipe): readonly Optimizer[] {
  return [...new Set([optimizer, ...groups.map((group) => group.optimizer)])];
}
