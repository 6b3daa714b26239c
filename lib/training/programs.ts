/** The programs of a trainer: one training or evaluation step as a graph, compiled. */
import { type Program, type Write, prepare } from '../compile/program.js';
import type { Augmentation } from '../data/augment/augmentation.js';
import { augmented } from '../data/augment/pipeline.js';
import { StateError } from '../errors.js';
import { inContext } from '../graph/trace-context.js';
import { reachingGradients } from '../graph/gradients.js';
import { type Parts, mapParts } from '../graph/outputs.js';
import { MemorySlot, source } from '../graph/source.js';
import type { Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import type { CarriedState } from '../model/carried-state.js';
import type { Entry } from '../model/layout.js';
import type { Trace } from '../model/trace.js';
import { mul } from '../ops/elementwise.js';
import type { GradientMemory } from './gradient-memory.js';
import { type FedBatch, type Feed, feedBatch } from './feed.js';
import { trainedParameters } from './groups.js';
import type { Recipe } from './recipe.js';
import { type Results, batchWeight, figure, lossOf, nameOf, resultWrites } from './results.js';
import { scalarCount } from './scalars.js';
import type { Slots } from './slots.js';
import { updates } from './update.js';

/** A compiled step and the memories it wants. */
export interface StepProgram extends Pick<FedBatch, 'data' | 'index'> {
  readonly program: Program;
  readonly results: Results;
  /** Where states go on from step to step. Undefined: they begin at zeros in every step. */
  readonly carried: CarriedState | undefined;
  readonly predictionShapes: Parts<Shape>;
  /** What the elements of inputs must be. */
  readonly expectations: readonly InputExpectation[];
}

/** A step that trains. */
export interface TrainingProgram extends StepProgram {
  /** What is made of its gradients, if it leaves them to an update to come. */
  readonly update: UpdateProgram | undefined;
  /** float32 a step: the optimizers' scalars in order; with an update to come, whether the step is the first after the last. */
  readonly scalars: MemorySlot;
}

/** Whole numbers `least` … `most` in an input, wanted by a layer. */
export interface InputExpectation {
  readonly input: number;
  readonly layer: string;
  readonly least: number;
  readonly most: number;
}

/** Augmentation, forward, loss, backward, clipping and update of one batch. */
export function trainingProgram(
  recipe: Recipe,
  slots: Slots,
  feed: Feed,
  augmentations: readonly Augmentation[],
  carried: CarriedState | undefined,
): TrainingProgram {
  return inContext(recipe.seed, carried !== undefined, () => {
    const scalars = scalarSlot(scalarCount(recipe));
    const { step } = makeTraining(recipe, feed, augmentations, carried, ({ gradients }) => {
      const { writes, gradientNorm } = updates(recipe, slots, gradients, scalars);
      return { writes, figures: recipe.gradientNorm ? [figure('gradientNorm', gradientNorm)] : [] };
    });
    return { ...step, update: undefined, scalars };
  });
}

/**
 * The same up to the gradients, which are added to those of the batches before.
 * @param updateOf the update that goes on with those of these parameters
 */
export function accumulatingProgram(
  recipe: Recipe,
  memory: GradientMemory,
  updateOf: (entries: readonly Entry[]) => UpdateProgram,
  feed: Feed,
  augmentations: readonly Augmentation[],
  carried: CarriedState | undefined,
): TrainingProgram {
  return inContext(recipe.seed, carried !== undefined, () => {
    const slot = scalarSlot(1);
    const isFirst = source(slot, 0, []);
    const goOn = ({ gradients, weight }: Backward): Effect => ({ writes: memory.add(gradients, weight(), isFirst), figures: [] });
    // The sum over all batches has its penalties once.
    const share = recipe.loss.reduction === 'sum' ? isFirst : undefined;
    const { step, reached } = makeTraining(recipe, feed, augmentations, carried, goOn, share);
    return { ...step, update: updateOf(reached), scalars: slot };
  });
}

/** Clipping and update of the gradients of several batches. */
export interface UpdateProgram {
  /** Of these parameters. */
  readonly entries: readonly Entry[];
  readonly program: Program;
  readonly scalars: MemorySlot;
  /** The norm of the gradients, if asked for. */
  readonly norm: MemorySlot | undefined;
}

export function updateProgram(recipe: Recipe, slots: Slots, memory: GradientMemory, entries: readonly Entry[]): UpdateProgram {
  const scalars = scalarSlot(scalarCount(recipe));
  const { writes, gradientNorm } = updates(recipe, slots, memory.gradients(entries, recipe.loss.reduction === 'sum'), scalars);
  const norm = recipe.gradientNorm ? new MemorySlot('gradientNorm', 4) : undefined;
  const reported: Write[] = norm === undefined ? [] : [{ value: gradientNorm, slot: norm, byteOffset: 0, commit: false }];
  return { entries, program: prepare([...reported, ...writes]), scalars, norm };
}

/** float32 a step. */
function scalarSlot(count: number): MemorySlot {
  return new MemorySlot('scalars', count * 4, count * 4);
}

/** What a step can go on with. */
interface Backward {
  /** Of the parameters that the loss depends on. */
  readonly gradients: ReadonlyMap<Entry, Tensor>;
  /** What the batch counts in the loss. */
  readonly weight: () => Tensor;
}

/** What it does then, and what it reports of it beside the metrics. */
interface Effect {
  readonly writes: readonly Write[];
  readonly figures: readonly Tensor[];
}

function makeTraining(
  recipe: Recipe,
  feed: Feed,
  augmentations: readonly Augmentation[],
  carried: CarriedState | undefined,
  goOn: (backward: Backward) => Effect,
  penaltyShare?: Tensor,
): { readonly step: StepProgram; readonly reached: readonly Entry[] } {
  const { model } = recipe;
  const { layout } = model;
  if (layout.parameterSize === 0) throw new StateError(`${model.name}: expected a model with parameters to train, got one without any.`);
  const batch = feedBatch(feed);
  const { sampleWeight, rows } = batch;
  const { inputs, targets } = changed(batch, augmentations, recipe.seed);
  const frozen = recipe.frozen.flatMap((path) => layout.rootsOf(path));
  const traced = model.trace(inputs, { training: true, seed: recipe.seed, carry: carried?.carry, frozen });
  const trained = trainedParameters(model.name, layout, recipe.frozen);
  const weights = trained.map(({ path }) => traced.parameters.get(path)!);
  const seen = { outputs: traced.outputs, targets, sampleWeight };
  const decayed = weights.filter((weight) => weight.rank >= 2);
  const penalties = recipe.penalties.map((penalty) => penalty(decayed));
  const added = [...traced.losses, ...penalties];
  const total = lossOf(recipe.loss, added, seen);
  const counted = penaltyShare && [...traced.losses, ...penalties.map((penalty) => mul(penalty, penaltyShare))];

  const gradients = gradientsOf(counted === undefined ? total : lossOf(recipe.loss, counted, seen), nameOf(recipe.loss), trained, weights);
  const effect = goOn({ gradients, weight: () => batchWeight(recipe.loss, seen, rows) });
  const results = resultWrites(recipe, seen, rows, total, added, effect.figures);
  const commits: Write[] = [
    ...effect.writes,
    ...[...traced.assigned].map(([path, value]) => {
      const { memory, at } = model.built.weights.place(path);
      return { value, slot: memory.slot, byteOffset: at * 4, commit: true };
    }),
  ];
  return { step: stepOf({ ...batch, inputs }, traced, results, commits, carried), reached: [...gradients.keys()] };
}

/**
 * The gradients of the parameters that the loss depends on: the optimizer leaves the others alone.
 * @throws StateError if nothing of what is trained has a gradient: training would change nothing, in silence
 */
function gradientsOf(loss: Tensor, name: string, trained: readonly Entry[], weights: readonly Tensor[]): ReadonlyMap<Entry, Tensor> {
  const all = reachingGradients(loss, weights);
  const reached = trained.flatMap((entry, i): [Entry, Tensor][] => (all[i] === undefined ? [] : [[entry, all[i]]]));
  if (reached.length === 0) {
    throw new StateError(
      `${name}: expected a loss with a gradient by the trained parameters, got one that does not depend on them. Comparisons, argmax, rounding, casts and stopGradient let none through, nor has outputOf() any by its weights: call layers by scope.call() in forward.`,
    );
  }
  return new Map(reached);
}

/** Forward, loss and metrics of one batch, in evaluation mode. */
export function evaluationProgram(recipe: Recipe, feed: Feed, carried: CarriedState | undefined): StepProgram {
  return inContext(recipe.seed, carried !== undefined, () => makeEvaluation(recipe, feed, carried));
}

function makeEvaluation(recipe: Recipe, feed: Feed, carried: CarriedState | undefined): StepProgram {
  const batch = feedBatch(feed);
  const { inputs, targets, sampleWeight, rows } = batch;
  const { model, seed } = recipe;
  const traced = model.trace(inputs, { seed, carry: carried?.carry });
  const seen = { outputs: traced.outputs, targets, sampleWeight };
  const loss = lossOf(recipe.loss, traced.losses, seen);
  const results = resultWrites(recipe, seen, rows, loss, traced.losses);
  return stepOf(batch, traced, results, [], carried);
}

/** The step that leaves these results, commits these writes, and keeps the carried states. */
function stepOf(
  { inputs, data, index }: Pick<FedBatch, 'inputs' | 'data' | 'index'>,
  traced: Trace,
  { writes, results }: ReturnType<typeof resultWrites>,
  commits: readonly Write[],
  carried: CarriedState | undefined,
): StepProgram {
  return {
    program: prepare([...writes, ...commits, ...(carried?.writes(traced) ?? [])]),
    data,
    index,
    results,
    carried,
    predictionShapes: mapParts(traced.outputs, ({ shape }) => shape),
    expectations: expectationsOf(traced, inputs),
  };
}

/** What the model is trained on. Augmentations are for one input and one target. */
function changed(
  { inputs, targets }: FedBatch,
  augmentations: readonly Augmentation[],
  seed: bigint,
): Pick<FedBatch, 'inputs' | 'targets'> {
  if (augmentations.length === 0) return { inputs, targets };
  const [[name, target]] = targets as [[string, Tensor]];
  const { x, y } = augmented({ x: inputs[0]!, y: target }, augmentations, seed);
  return { inputs: [x], targets: [[name, y]] };
}

/** What layers expect of the inputs they are given as they are. */
function expectationsOf({ expectations }: Trace, inputs: readonly Tensor[]): readonly InputExpectation[] {
  return expectations.flatMap(({ tensor, ...expected }) => {
    const input = inputs.indexOf(tensor);
    return input < 0 ? [] : [{ input, ...expected }];
  });
}
