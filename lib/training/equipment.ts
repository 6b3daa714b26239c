/** What a trainer has for its model: compiled steps, the optimizer's slots and carried states. */
import type { Augmentation } from '../data/augment/augmentation.js';
import { augmentedRow } from '../data/augment/pipeline.js';
import { StateError } from '../errors.js';
import type { TensorType } from '../graph/tensor.js';
import { CarriedState } from '../model/carried-state.js';
import type { Entry } from '../model/layout.js';
import type { Model } from '../model/model.js';
import type { PlacedWeights } from '../model/placed-weights.js';
import { numbering } from '../numbering.js';
import { programCache } from '../compile/program-cache.js';
import { LruCache } from '../lru-cache.js';
import type { Feed } from './feed.js';
import type { FitOptions, TrainerOptions } from './options.js';
import { GradientMemory } from './gradient-memory.js';
import {
  type StepProgram,
  type TrainingProgram,
  type UpdateProgram,
  accumulatingProgram,
  evaluationProgram,
  trainingProgram,
  updateProgram,
} from './programs.js';
import { type Recipe, recipeOf } from './recipe.js';
import { Slots } from './slots.js';

/** Types of rows kept for batches of different ones. */
const maxTypes = 16;

/** What goes with the model as it is built, and is made anew when that is. */
interface PerBuild {
  readonly weights: PlacedWeights;
  readonly training: LruCache<TrainingProgram>;
  readonly evaluation: LruCache<StepProgram>;
  /** States that go on from batch to batch, by what they are for and the rows of a batch. */
  readonly carried: Map<string, CarriedState>;
  slots?: Slots | undefined;
  gradients?: GradientMemory | undefined;
  readonly update: LruCache<UpdateProgram>;
}

/** What is different from step to step of one trainer. */
export interface TrainingOptions extends Pick<FitOptions, 'augment' | 'carryState'> {
  /** Leave the gradients to an update to come. */
  readonly accumulates?: boolean | undefined;
}

export class Equipment {
  readonly recipe: Recipe;
  #known: PerBuild | undefined;
  readonly #augmentedRows = new LruCache<TensorType>(maxTypes);
  /** Numbers for the keys of programs. */
  readonly #numberOf = numbering();

  constructor(model: Model, options: TrainerOptions<never>) {
    this.recipe = recipeOf(model, options);
  }

  /** The optimizer's state; the model must be built. */
  get slots(): Slots {
    const perBuild = this.#perBuild;
    return (perBuild.slots ??= new Slots(perBuild.weights.layout, this.recipe));
  }

  /** Where gradients wait for an update. */
  get gradients(): GradientMemory {
    const perBuild = this.#perBuild;
    return (perBuild.gradients ??= new GradientMemory(perBuild.weights.layout));
  }

  get #perBuild(): PerBuild {
    const { weights } = this.recipe.model.built;
    if (this.#known?.weights !== weights)
      this.#known = {
        weights,
        training: programCache(),
        evaluation: programCache(),
        update: programCache(),
        carried: new Map(),
      };
    return this.#known;
  }

  trainingProgram(feed: Feed, { augment = [], carryState = false, accumulates = false }: TrainingOptions = {}): TrainingProgram {
    const carried = carryState ? this.#carriedState('train', feed.rows) : undefined;
    const key = JSON.stringify([feed, augment.map(this.#numberOf), carryState, accumulates]);
    return this.#perBuild.training.get(key, () =>
      this.#carrying(
        accumulates
          ? accumulatingProgram(this.recipe, this.gradients, (entries) => this.updateProgram(entries), feed, augment, carried)
          : trainingProgram(this.recipe, this.slots, feed, augment, carried),
      ),
    );
  }

  /** The update with the gradients of these parameters. */
  updateProgram(entries: readonly Entry[]): UpdateProgram {
    const key = JSON.stringify(entries.map(({ path }) => path));
    return this.#perBuild.update.get(key, () => updateProgram(this.recipe, this.slots, this.gradients, entries));
  }

  evaluationProgram(feed: Feed, carryState: boolean): StepProgram {
    const carried = carryState ? this.#carriedState('evaluate', feed.rows) : undefined;
    const key = JSON.stringify([feed, carryState]);
    return this.#perBuild.evaluation.get(key, () => this.#carrying(evaluationProgram(this.recipe, feed, carried)));
  }

  /** The type of one row of x as the model sees it. */
  augmentedRow(x: TensorType, y: TensorType, augmentations: readonly Augmentation[]): TensorType {
    const key = JSON.stringify([x, y, augmentations.map(this.#numberOf)]);
    return this.#augmentedRows.get(key, () => augmentedRow(x, y, augmentations));
  }

  /** Carried states begin again at zeros. */
  resetStates(): void {
    for (const state of this.#known?.carried.values() ?? []) state.reset();
  }

  /** @throws StateError if states are to go on and the model keeps none */
  #carrying<Step extends StepProgram>(step: Step): Step {
    if (step.carried?.shapes().size === 0)
      throw new StateError(
        `${this.recipe.model.name}: expected a model that keeps a state with carryState, got one with none. Keep it by scope.state() and scope.keep(), or leave carryState out.`,
      );
    return step;
  }

  #carriedState(purpose: 'train' | 'evaluate', rows: number): CarriedState {
    const { carried } = this.#perBuild;
    const key = `${purpose} ${rows}`;
    const known = carried.get(key) ?? new CarriedState();
    carried.set(key, known);
    return known;
  }
}
