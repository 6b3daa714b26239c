/** What batches must be before anything is computed. */
import { type NdArray, checkIntact } from '../array.js';
import { checkArray, isNdArray } from '../array-check.js';
import type { Augmentation } from '../data/augment/augmentation.js';
import { checkWeightName } from '../data/misnamed-weights.js';
import { DTypeError, DataError, ShapeError, formatShape } from '../errors.js';
import { mapParts, whole } from '../graph/outputs.js';
import { sizeOf } from '../graph/shape.js';
import type { TensorType } from '../graph/tensor.js';
import { indexOutside } from '../index-outside.js';
import { positionOf } from '../losses/class-ids.js';
import { Losses } from '../losses/losses.js';
import { countRows, inputList, rowType } from '../model/data.js';
import { isRecord, kindOf } from '../options.js';
import type { Pieces } from '../pieces.js';
import { checkDone } from '../returned.js';
import { isNumericArray } from '../typed-arrays.js';
import type { Equipment } from './equipment.js';
import { type Batch, type Targets, arraysOf, rowsOf, targetParts, isBatch } from './batch.js';
import { naming } from '../naming.js';
import type { FitOptions } from './options.js';
import type { StepProgram } from './programs.js';
import type { AnyLoss, Recipe } from './recipe.js';
import { nameOf } from './results.js';

/** @throws unless a batch is { x, y } of intact arrays with as many rows each. @returns their number */
export function checkArrays(what: string, batch: Batch<Targets>): number {
  if (!isBatch(batch)) throw new DataError(`${what}: expected { x, y } of arrays, got ${dataKind(batch)}.`);
  checkWeightName(what, 'rows', batch);
  checkTargets(what, batch.y);
  if (batch.sampleWeight !== undefined) checkArray(what, 'sampleWeight', batch.sampleWeight);
  return countRows(what, arraysOf(batch));
}

/** @throws DataError or StateError unless y is an intact array, or an object of some by name, or of none */
function checkTargets(what: string, y: unknown): void {
  if (!isRecord(y)) return checkArray(what, 'y', y, targetAdvice(y));
  for (const [name, part] of Object.entries(y)) checkArray(what, `y.${name}`, part);
}

/** What to do about targets that are neither an array nor several by name. */
function targetAdvice(y: unknown): string {
  const parts: readonly unknown[] = Array.isArray(y) ? y : [];
  const lengths = parts.map((part) => (isNdArray(part) ? part.shape[0] : isNumericArray(part) || Array.isArray(part) ? part.length : -1));
  if (lengths.some((length) => length !== lengths[0]))
    return 'Fill sequences up to one length by padSequences, with the ignoreIndex of the loss as value, or give all of it to BucketedBatches.';
  if (parts.some(isNdArray)) return 'Put arrays of one shape together by stackRows, or give several targets by name: { a, b }.';
  return 'Wrap it: array(data, shape), or give several targets by name: { a, b }.';
}

/**
 * Checks the arrays of a batch against each other and the model, building the model if this is the first data it sees.
 * @returns the number of rows
 */
export function checkBatch(
  what: string,
  batch: Batch<Targets>,
  equipment: Equipment,
  { augment = [], batchSize = Infinity }: Pick<FitOptions, 'augment' | 'batchSize'> = {},
): number {
  const count = checkArrays(what, batch);
  const { x, y, sampleWeight } = batch;
  const { model, seed } = equipment.recipe;
  const inputs = inputList(x);
  checkNeeds(what, y, equipment.recipe);
  if (sampleWeight !== undefined) checkSampleWeight(what, sampleWeight);
  if (augment.length > 0 && inputs.length !== 1)
    throw new ShapeError(
      `${what}: expected one input x for augment, got ${inputs.length}. Augment before, or anew in each step in a layer of your own, where scope.training.`,
    );
  naming(what, () => {
    const rows = augment.length === 0 ? inputs.map(rowType) : [augmentedRow(inputs[0]!, y, equipment, augment)];
    model.build(rows, seed, Math.min(count, batchSize));
  });
  return count;
}

/** @throws ShapeError for several targets */
function augmentedRow(x: NdArray, y: Targets, equipment: Equipment, augment: readonly Augmentation[]): TensorType {
  if (isNdArray(y)) return equipment.augmentedRow(rowType(x), rowType(y), augment);
  throw new ShapeError(`expected one target y for augment, got ${Object.keys(y).join(', ') || 'none'}. Augment before, or leave it out.`);
}

/** What is asked of values. */
export interface ValueChecks {
  readonly recipe: Pick<Recipe, 'loss' | 'metrics'>;
  readonly program: Pick<StepProgram, 'predictionShapes' | 'expectations'>;
  /** All must be finite numbers, but for targets that may be missing. */
  readonly checkFinite: boolean;
}

/** Looks at the values: the loss and the metrics at the targets, the inputs for what layers expect of them. */
export function checkValues(what: string, { x, y }: Batch<Targets>, checks: ValueChecks): void {
  const { recipe, program, checkFinite } = checks;
  const { loss, metrics } = recipe;
  const inputs = inputList(x);
  if (checkFinite) {
    for (const x of inputs) checkFiniteData(`${what} x`, x);
    for (const [name, target] of targetParts(y)) if (!ignoresNaN(loss, name)) checkFiniteData(`${what} y${name && `.${name}`}`, target);
  }
  const shapes = mapParts(program.predictionShapes, (shape) => (shape.length === 0 ? shape : shape.with(0, inputs[0]!.shape[0]!)));
  for (const one of [loss, ...metrics])
    naming(what, () => checkDone(nameOf(one), 'validate', one.validate(y as never, whole(shapes) as never)));
  for (const { input, layer, least, most } of program.expectations) {
    const data = inputs[input]!;
    const at = indexOutside(data.data, least, most, true);
    if (at < 0) continue;
    throw new DataError(
      `${what}: expected ${least} … ${most} in input ${input} for ${layer}, got ${data.data[at]!} at row ${positionOf(at, data)}.`,
    );
  }
}

/** Elements looked at in one go: a millisecond or two. */
const pieceSize = 2 ** 17;

/** The same for many rows, some at a time, until nobody wants to know any more. */
export function* checkValuesInPieces(what: string, batch: Batch<Targets>, checks: ValueChecks, isStopped: () => boolean): Pieces<void> {
  const arrays = arraysOf(batch);
  const count = arrays[0]!.shape[0]!;
  const size = arrays.reduce((total, x) => total + x.size, 0);
  if (size <= pieceSize) return checkValues(what, batch, checks);
  const rows = Math.max(1, Math.floor((pieceSize / size) * count));
  for (let begin = 0; begin < count && !isStopped(); begin += rows) {
    for (const x of arrays) checkIntact(what, 'data', x);
    try {
      checkValues(what, rowsOf(batch, begin, Math.min(count, begin + rows)), checks);
    } catch {
      // Once more, for a message that names the row as the caller counts it.
      return checkValues(what, batch, checks);
    }
    yield;
  }
}

/** @throws DataError naming the first element that is NaN or infinite */
function checkFiniteData(what: string, x: NdArray): void {
  const at = x.dtype === 'float32' ? indexOutside(x.data, -Number.MAX_VALUE, Number.MAX_VALUE) : -1;
  if (at < 0) return;
  const width = sizeOf(x.shape.slice(1));
  throw new DataError(
    `${what}: expected finite numbers, got ${x.data[at]} in row ${Math.floor(at / width)} at element ${at % width}. Clean the data or leave checkFinite out.`,
  );
}

/** @throws DataError if there is no target for a loss or a metric that takes one */
function checkNeeds(what: string, y: Targets, { loss, metrics }: Recipe): void {
  if (targetParts(y).length > 0) return;
  const metric = metrics.find(({ takesTarget }) => takesTarget);
  if (loss.forward.length < 2 && metric === undefined) return;
  const name = loss.forward.length < 2 ? metric!.name : loss.constructor.name || 'the loss';
  throw new DataError(`${what}: expected targets y for ${name}, whose forward takes them, got none. Give an array, or { a, b } by name.`);
}

function ignoresNaN(loss: AnyLoss, name: string): boolean {
  return loss.ignoreNaN === true || (loss instanceof Losses && loss.ignoresNaN(name));
}

/** What came in place of data, as errors say it, and what to do about it. */
export function dataKind(data: unknown): string {
  const kind = kindOf(data);
  if (kind === 'Promise') return 'Promise. Await it';
  if (isNdArray(data)) return 'NdArray. Put it into { x, y }';
  if (typeof data !== 'object' || data === null) return kind;
  if ('x' in data) return 'an object without y. Give y: {} if neither the loss nor a metric takes targets';
  if ('y' in data) return 'an object without x';
  const names = Object.keys(data);
  if (!isRecord(data) || names.length === 0) return kind;
  return `an object of ${names.join(', ')}${names.includes('train') ? '. Give its train' : ''}`;
}

/** @throws ShapeError, DTypeError or DataError unless it is one number ≥ 0 a row */
function checkSampleWeight(what: string, weights: NdArray): void {
  if (weights.rank !== 1)
    throw new ShapeError(`${what}: expected one number a row [N] for sampleWeight, got ${formatShape(weights.shape)}.`);
  if (weights.dtype !== 'float32') throw new DTypeError(`${what}: expected float32 for sampleWeight, got ${weights.dtype}.`);
  const at = indexOutside(weights.data, 0, Number.MAX_VALUE);
  if (at < 0) return;
  const value = weights.data[at]!;
  const advice =
    value < 0
      ? ' Factors with a sign, such as advantages of a policy, are targets of a loss of your own: mean(mul(losses, advantage)).'
      : '';
  throw new DataError(`${what}: expected numbers ≥ 0 for sampleWeight, got ${value} at row ${at}.${advice}`);
}
