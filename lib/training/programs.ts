/** The programs of a trainer: one training or evaluation step as a graph, compiled. */
import { type Program, type Write, prepare } from '../compile/program.js';
import type { Augmentation } from '../data/augment/augmentation.js';
import { augmented } from '../data/augment/pipeline.js';
import { OptionError, ShapeError, StateError, formatShape } from '../errors.js';
import { within } from '../graph/around.js';
import { reachingGradients } from '../graph/gradients.js';
import { label } from '../graph/label.js';
import { type Parts, mapParts, whole } from '../graph/outputs.js';
import { MemorySlot } from '../graph/source.js';
import { type Shape, Tensor } from '../graph/tensor.js';
import { Metric } from '../metrics/metric.js';
import type { CarriedState } from '../model/carried-state.js';
import type { Entry, Layout } from '../model/layout.js';
import type { Trace } from '../model/trace.js';
import { add, cast } from '../ops/elementwise.js';
import { type FedBatch, type Feed, feedBatch } from './feed.js';
import { parametersBelow } from './groups.js';
import { type AnyLoss, type AnyMetric, type Recipe, optimizersOf } from './recipe.js';
import type { Slots } from './slots.js';
import { updates } from './update.js';

/** Where a figure is among the results of a step. */
export interface Place {
  readonly begin: number;
  /** Numbers it consists of: more than one of a metric that combines them itself. */
  readonly size: number;
  /** Where it is said what the step counts in it; undefined: `count`. */
  readonly weight: number | undefined;
}

/** Where a step leaves its figures, float32 each, the loss first. */
export interface Results {
  readonly slot: MemorySlot;
  /** Elements of the target of a step; of several targets its rows. */
  readonly count: number;
  /** Numbers a step leaves. */
  readonly width: number;
  /** With all that is added to it. */
  readonly loss: Place;
  /** And the norm of the gradients, if asked for. */
  readonly metrics: readonly Place[];
  /** The place of what layers and penalties add to the loss; undefined: it counts as much as the loss. */
  readonly added: number | undefined;
}

/** A compiled step and the memories it wants. */
export interface StepProgram extends Pick<FedBatch, 'data' | 'index'> {
  readonly program: Program;
  /** float32 a step: the optimizers' scalars in order. Only for training. */
  readonly scalars: MemorySlot | undefined;
  readonly results: Results;
  /** Where states go on from step to step. Undefined: they begin at zeros in every step. */
  readonly carried: CarriedState | undefined;
  readonly predictionShapes: Parts<Shape>;
  /** What the elements of inputs must be. */
  readonly expectations: readonly InputExpectation[];
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
): StepProgram {
  return within(recipe.seed, carried !== undefined, () => makeTraining(recipe, slots, feed, augmentations, carried));
}

function makeTraining(
  recipe: Recipe,
  slots: Slots,
  feed: Feed,
  augmentations: readonly Augmentation[],
  carried: CarriedState | undefined,
): StepProgram {
  const { model } = recipe;
  const { layout, memory } = model.built;
  if (layout.parameterSize === 0) throw new StateError(`${model.name}: expected a model with parameters to train, got one without any.`);
  const batch = feedBatch(feed);
  const { sampleWeight, rows } = batch;
  const { inputs, targets } = changed(batch, augmentations, recipe.seed);
  const traced = model.trace(inputs, true, recipe.seed, carried?.carry, recipe.frozen);
  const trained = trainedParameters(model.name, layout, recipe.frozen);
  const weights = trained.map(({ path }) => traced.parameters.get(path)!);
  const seen = { outputs: traced.outputs, targets, sampleWeight };
  const decayed = weights.filter((weight) => weight.rank >= 2);
  const added = [...traced.losses, ...recipe.penalties.map((penalty) => penalty(decayed))];
  const total = lossOf(recipe.loss, added, seen);

  const scalarBytes = optimizersOf(recipe).reduce((n, optimizer) => n + optimizer.scalars.length, 0) * 4;
  const scalars = new MemorySlot('scalars', scalarBytes, scalarBytes);
  const update = updates(recipe, slots, gradientsOf(total, nameOf(recipe.loss), trained, weights), traced.lazy, scalars);
  const norm = recipe.gradientNorm ? [figure('gradientNorm', update.gradientNorm)] : [];
  const results = resultWrites(recipe, seen, rows, total, added, norm);
  const commits: Write[] = [
    ...update.writes,
    ...[...traced.assigned].map(([path, value]) => ({
      value,
      slot: memory.slot,
      byteOffset: layout.find(path, 'buffer', value.shape).offset * 4,
      commit: true,
    })),
    ...(carried?.writes(traced) ?? []),
  ];
  return {
    program: prepare([...results.writes, ...commits]),
    data: batch.data,
    index: batch.index,
    scalars,
    results: results.results,
    carried,
    predictionShapes: mapParts(traced.outputs, ({ shape }) => shape),
    expectations: expectationsOf(traced, inputs),
  };
}

/** The parameters that are not frozen. @throws OptionError if a path is none, or if nothing is left to train */
function trainedParameters(model: string, layout: Layout, frozen: readonly string[]): readonly Entry[] {
  const kept = new Set(parametersBelow('frozen', layout, frozen));
  const trained = layout.parameters.filter((entry) => !kept.has(entry));
  if (trained.length === 0) throw new OptionError(`Trainer: expected something left to train in ${model}, got all of it frozen.`);
  return trained;
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
      `${name}: expected a loss with a gradient by the trained parameters, got one that does not depend on them. Comparisons, argmax, rounding, casts and stopGradient let none through.`,
    );
  }
  return new Map(reached);
}

/** Forward, loss and metrics of one batch, in evaluation mode. */
export function evaluationProgram(recipe: Recipe, feed: Feed, carried: CarriedState | undefined): StepProgram {
  return within(recipe.seed, carried !== undefined, () => makeEvaluation(recipe, feed, carried));
}

function makeEvaluation(recipe: Recipe, feed: Feed, carried: CarriedState | undefined): StepProgram {
  const { inputs, targets, sampleWeight, data, index, rows } = feedBatch(feed);
  const { model, seed } = recipe;
  const traced = model.trace(inputs, false, seed, carried?.carry);
  const seen = { outputs: traced.outputs, targets, sampleWeight };
  const loss = lossOf(recipe.loss, traced.losses, seen);
  const results = resultWrites(recipe, seen, rows, loss, traced.losses);
  return {
    program: prepare([...results.writes, ...(carried?.writes(traced) ?? [])]),
    data,
    index,
    scalars: undefined,
    results: results.results,
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

/** What a loss and metrics look at. */
interface Seen {
  readonly outputs: Parts<Tensor>;
  readonly targets: Parts<Tensor>;
  readonly sampleWeight: Tensor | undefined;
}

function resultWrites(
  { loss, metrics }: Recipe,
  seen: Seen,
  rows: number,
  lossValue: Tensor,
  terms: readonly Tensor[],
  others: readonly Tensor[] = [],
): { readonly writes: readonly Write[]; readonly results: Results } {
  const { targets, sampleWeight } = seen;
  const values: { readonly value: Tensor; readonly begin: number }[] = [];
  let width = 0;
  /** @returns where it begins */
  const leave = (value: Tensor): number => {
    const begin = width;
    values.push({ value, begin });
    width += value.size;
    return begin;
  };
  const place = (value: Tensor, of?: AnyLoss | AnyMetric, weight?: Tensor): Place => ({
    begin: leave(value),
    size: value.size,
    weight: of && weight && leave(figure(`weight of ${nameOf(of)}`, weight)),
  });
  const placeOf = (metric: AnyMetric): Place => {
    const value = applied(metric, seen, (p, t) => metric.forward(p, t, sampleWeight));
    if (metric.combine !== undefined) return place(figures(metric.name, value));
    const weight = applied(metric, seen, (p, t) => metric.weight?.(p, t));
    return place(figure(metric.name, value), metric, weight);
  };
  const lossWeight = applied(loss, seen, (p, t) => loss.weight?.(p, t, sampleWeight));
  const isApart = loss.reduction !== 'sum' && lossWeight !== undefined && terms.length > 0;
  const sumOfTerms = (): Tensor => terms.reduce((sum, term) => add(sum, term));
  const results = {
    count: targets.length === 1 ? targets[0]![1].size : rows,
    loss: place(lossValue, loss, lossWeight),
    metrics: [...metrics.map(placeOf), ...others.map((value) => place(value))],
    added: isApart ? leave(figure('what is added to the loss', sumOfTerms())) : undefined,
  };
  const slot = new MemorySlot('results', width * 4, width * 4);
  return {
    writes: values.map(({ value, begin }) => ({ value, slot, byteOffset: begin * 4, commit: false })),
    results: { slot, width, ...results },
  };
}

/** The loss, and what layers and penalties add to it. @throws OptionError if there are weights of rows and the loss takes none */
function lossOf(loss: AnyLoss, added: readonly Tensor[], seen: Seen): Tensor {
  const name = nameOf(loss);
  const { sampleWeight } = seen;
  if (sampleWeight !== undefined && loss.forward.length < 3) {
    throw new OptionError(
      `${name}: expected forward(prediction, target, sampleWeight) for data with sampleWeight, got one without. Leave sampleWeight out, or take it.`,
    );
  }
  const value = applied(loss, seen, (prediction, target) => loss.forward(prediction, target, sampleWeight));
  return added.reduce((sum, term) => add(sum, term), figure(name, value));
}

/** @throws ShapeError where a loss or a metric of one output and one target meets several */
function applied<T>(of: AnyLoss | AnyMetric, { outputs, targets }: Seen, body: (prediction: never, target: never) => T): T {
  try {
    // Types hold them to outputs and targets like these.
    return body(whole(outputs) as never, whole(targets) as never);
  } catch (error) {
    const names = (parts: Parts<Tensor>): string => parts.map(([name]) => name || 'one alone').join(', ');
    if (!(error instanceof TypeError) || [outputs, targets].every((parts) => parts[0]?.[0] === '')) throw error;
    throw new ShapeError(
      `${nameOf(of)}: expected outputs and targets it is made for, got ${names(outputs)} and ${names(targets)}. Give each output a loss by new Losses({ … }), and a metric by .of(name).`,
      { cause: error },
    );
  }
}

/** One number of a step, under the name of what made it. @throws ShapeError if it is not one */
function figure(name: string, value: unknown): Tensor {
  if (!(value instanceof Tensor) || value.size !== 1) {
    const got = value instanceof Tensor ? `shape ${formatShape(value.shape)}` : typeof value;
    throw new ShapeError(`${name}: expected one number, got ${got}. Reduce it with mean() or sum().`);
  }
  label([value], name);
  return cast(value, 'float32');
}

/** The numbers of a metric that combines them itself. @throws ShapeError if they are no vector */
function figures(name: string, value: unknown): Tensor {
  if (!(value instanceof Tensor) || value.rank !== 1) {
    const got = value instanceof Tensor ? `shape ${formatShape(value.shape)}` : typeof value;
    throw new ShapeError(`${name}: expected figures [F] of a metric with combine, got ${got}. Make them one with stack() or reshape().`);
  }
  label([value], name);
  return cast(value, 'float32');
}

function nameOf(one: AnyLoss | AnyMetric): string {
  return one instanceof Metric ? one.name : one.constructor.name;
}

/** What layers expect of the inputs they are given as they are. */
function expectationsOf({ expectations }: Trace, inputs: readonly Tensor[]): readonly InputExpectation[] {
  return expectations.flatMap(({ tensor, ...expected }) => {
    const input = inputs.indexOf(tensor);
    return input < 0 ? [] : [{ input, ...expected }];
  });
}
