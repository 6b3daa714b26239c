/** What a step leaves: its loss, its metrics, and what each of them counts. */
import type { Write } from '../compile/program.js';
import { DTypeError, DataError, LanewiseError, OptionError, ShapeError, formatShape } from '../errors.js';
import { dependOn } from '../graph/depend.js';
import { label } from '../graph/label.js';
import { type Outputs, type Parts, whole } from '../graph/outputs.js';
import { MemorySlot } from '../graph/source.js';
import { Tensor } from '../graph/tensor.js';
import { Metric } from '../metrics/metric.js';
import { add, cast, full } from '../ops/elementwise.js';
import { reshape } from '../ops/shape.js';
import { gotReturned } from '../returned.js';
import type { AnyLoss, AnyMetric, Recipe } from './recipe.js';

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

/** What a loss and metrics look at. */
export interface Seen {
  readonly outputs: Parts<Tensor>;
  readonly targets: Parts<Tensor>;
  readonly sampleWeight: Tensor | undefined;
}

export function resultWrites(
  { loss, metrics }: Recipe,
  seen: Seen,
  rows: number,
  lossValue: Tensor,
  terms: readonly Tensor[],
  others: readonly Tensor[] = [],
): { readonly writes: readonly Write[]; readonly results: Results } {
  const { sampleWeight } = seen;
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
  const weight = weightOf(loss, seen);
  const isApart = loss.reduction !== 'sum' && weight !== undefined && terms.length > 0;
  const sumOfTerms = (): Tensor => terms.reduce((sum, term) => add(sum, term));
  const results = {
    count: countOf(seen, rows),
    loss: place(lossValue, loss, weight),
    metrics: [...metrics.map(placeOf), ...others.map((value) => place(value))],
    added: isApart ? leave(figure('what is added to the loss', sumOfTerms())) : undefined,
  };
  checkUsed(seen, values.map(({ value }) => value)); // prettier-ignore
  const slot = new MemorySlot('results', width * 4, width * 4);
  return {
    writes: values.map(({ value, begin }) => ({ value, slot, byteOffset: begin * 4, commit: false })),
    results: { slot, width, ...results },
  };
}

/** @throws DataError for a target that no loss or metric looks at, and that is of no output either, such as one whose name is misspelt */
function checkUsed({ outputs, targets }: Seen, figures: readonly Tensor[]): void {
  const names = new Set(['', ...outputs.map(([name]) => name)]);
  const unused = targets.filter(([name, target]) => !names.has(name) && !dependOn(figures, [target])).map(([name]) => name);
  if (unused.length > 0)
    throw new DataError(
      `y: expected targets that the loss or a metric looks at, got ${unused.join(', ')} too. Leave out what nothing needs, or give it a loss.`,
    );
}

/** What a batch counts in the loss of several; in a sum each counts 1. */
export function batchWeight(loss: AnyLoss, seen: Seen, rows: number): Tensor {
  if (loss.reduction === 'sum') return full([], 1);
  const weight = weightOf(loss, seen);
  return weight === undefined ? full([], countOf(seen, rows)) : reshape(figure(`weight of ${nameOf(loss)}`, weight), []);
}

function weightOf(loss: AnyLoss, seen: Seen): Tensor | undefined {
  return applied(loss, seen, (p, t) => loss.weight?.(p, t, seen.sampleWeight));
}

function countOf({ targets }: Seen, rows: number): number {
  return targets.length === 1 ? targets[0]![1].size : rows;
}

/** The loss, and what layers and penalties add to it. @throws OptionError if there are weights of rows and the loss takes none */
export function lossOf(loss: AnyLoss, added: readonly Tensor[], seen: Seen): Tensor {
  const name = nameOf(loss);
  const { sampleWeight } = seen;
  if (sampleWeight !== undefined && loss.forward.length < 3) {
    throw new OptionError(
      `${name}: expected forward(prediction, target, sampleWeight) for data with sampleWeight, got one without. Leave sampleWeight out, or take it.`,
    );
  }
  const value = applied(loss, seen, (prediction, target) => loss.forward(prediction, target, sampleWeight));
  return added.reduce((sum, term) => add(sum, figure('penalty', term)), figure(name, value));
}

/** @throws ShapeError where a loss or a metric of one output and one target meets several; what it throws itself has its name */
function applied<T>(of: AnyLoss | AnyMetric, { outputs, targets }: Seen, body: (prediction: never, target: never) => T): T {
  let isTakenForOne = false;
  // Types hold them to outputs and targets like these.
  const given = (parts: Parts<Tensor>): never => watched(whole(parts), () => (isTakenForOne = true)) as never;
  try {
    return body(given(outputs), given(targets));
  } catch (error) {
    // Any other TypeError is a mistake in the loss itself.
    if (!isTakenForOne || !(error instanceof TypeError || error instanceof DTypeError))
      throw named(error, nameOf(of), { outputs, targets });
    const isOfOneTarget = of instanceof Metric && targets[0]?.[0] === '';
    const advice = isOfOneTarget
      ? `Say which of ${namesOf(outputs)} the target is of. If it is ${outputs[0]![0]}: .as('${of.name}', (p, y) => [p.${outputs[0]![0]}, y]).`
      : 'Give each output a loss by new Losses({ … }), and a metric by .of(name).';
    throw new ShapeError(
      `${nameOf(of)}: expected outputs and targets it is made for, got ${namesOf(outputs)} and ${namesOf(targets)}. ${advice}`,
      { cause: error },
    );
  }
}

/** Adds the name of a loss or metric to an error that has no other, and where something was undefined the names there are. */
function named(error: unknown, name: string, { outputs, targets }: Pick<Seen, 'outputs' | 'targets'>): unknown {
  if (!(error instanceof LanewiseError) || error.layer !== undefined) return error;
  if (!error.message.startsWith(`${name}: `)) error.message = `${name}: ${error.message}`;
  if (error.message.includes('got undefined')) error.message += ` Outputs: ${namesOf(outputs)}; targets: ${namesOf(targets)}.`;
  return error;
}

function namesOf(parts: Parts<Tensor>): string {
  return parts.map(([name]) => name || 'one alone').join(', ') || 'none';
}

/** Says when several tensors by name are read as if they were one, which they have no field for. */
function watched(value: Outputs, onTakenForOne: () => void): Outputs {
  if (value instanceof Tensor) return value;
  return new Proxy(value, {
    get: (parts, name): unknown => {
      if (!Object.hasOwn(parts, name) && ofTensors.has(name)) onTakenForOne();
      return Reflect.get(parts, name);
    },
  });
}

/** The last is what errors say of a value that is no tensor. */
const ofTensors: ReadonlySet<string | symbol> = new Set<keyof Tensor | 'constructor'>(['shape', 'rank', 'size', 'dtype', 'constructor']);

/** One number of a step, under the name of what made it. @throws ShapeError if it is not one */
export function figure(name: string, value: unknown): Tensor {
  if (!(value instanceof Tensor) || value.size !== 1) {
    throw new ShapeError(`${name}: expected a tensor of one number, ${gotForm(value, 'Return what mean() or sum() gives.')}`);
  }
  label([value], name);
  return cast(value, 'float32');
}

/** The numbers of a metric that combines them itself. @throws ShapeError if they are no vector */
function figures(name: string, value: unknown): Tensor {
  if (!(value instanceof Tensor) || value.rank !== 1) {
    throw new ShapeError(
      `${name}: expected figures [F] of a metric with combine, ${gotForm(value, 'Make them one with stack() or reshape().')}`,
    );
  }
  label([value], name);
  return cast(value, 'float32');
}

function gotForm(value: unknown, advice: string): string {
  return gotReturned(value, advice, value instanceof Tensor ? `shape ${formatShape(value.shape)}` : undefined);
}

export function nameOf(one: AnyLoss | AnyMetric): string {
  return one instanceof Metric ? one.name : one.constructor.name;
}
