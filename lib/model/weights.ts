/** Values of parameters: the first ones, and those that come from outside. */
import { type NdArray, checkIntact } from '../array.js';
import { DTypeError, ShapeError, StateError, formatShape } from '../errors.js';
import { type Shape, sameShape, sizeOf } from '../graph/shape.js';
import { boolean, checkOptions } from '../options.js';
import type { Pieces } from '../pieces.js';
import { Philox } from '../random.js';
import { gotReturned } from '../returned.js';
import { hostStreams } from '../streams.js';
import { isFloats } from '../typed-arrays.js';
import type { Entry, Layout } from './layout.js';

/** First values of an entry: a function of the seed and its place in the model only. */
export function* initialValues({ init, shape, path }: Entry, seed: bigint, index: number): Pieces<Float32Array> {
  const random = new Philox(seed, hostStreams.parameters + index);
  return checkedValues(path, shape, init.inPieces === undefined ? init(shape, random) : yield* init.inPieces(shape, random));
}

/** @throws ShapeError unless an initializer gave as many floats as the shape has */
export function checkedValues(path: string, shape: Shape, values: unknown): Float32Array {
  if (isFloats(values) && values.length === sizeOf(shape)) return values;
  const got = isFloats(values) ? `${values.length} values` : undefined;
  throw new ShapeError(
    `initializer of "${path}": expected a Float32Array of ${sizeOf(shape)} values for shape ${formatShape(shape)}, ${gotReturned(values, '', got)}`,
  );
}

/** Values that are still to be made and written, one entry after another, which takes its time in a large model. */
export class FirstValues {
  readonly #writes: (() => Pieces<void>)[];
  /** The one that was begun. */
  #begun: Pieces<void> | undefined;

  constructor(writes: readonly (() => Pieces<void>)[] = []) {
    this.#writes = [...writes];
  }

  get areWritten(): boolean {
    return this.#writes.length === 0;
  }

  /** None is to be made any more. */
  drop(): void {
    this.#writes.length = 0;
    this.#begun = undefined;
  }

  /** A piece of them; one that failed is begun anew. @returns whether there are more */
  writePiece(): boolean {
    const [write] = this.#writes;
    if (write === undefined) return false;
    const pieces = this.#begun ?? write();
    this.#begun = undefined;
    if (pieces.next().done === true) this.#writes.shift();
    else this.#begun = pieces;
    return !this.areWritten;
  }
}

/** Options of {@link Layer.setWeights} and {@link Layer.load}. */
export interface WeightOptions {
  /**
   * Expect all weights and no others. Otherwise those whose path the model has are set, one at least, and the others stay as they are.
   * Default: true.
   */
  readonly strict?: boolean | undefined;
}

/** What weights that were set and those of the model do not share, by path. */
export interface UnsharedWeights {
  /** Of the model alone: they stay as they are. */
  readonly missing: readonly string[];
  /** Of those given alone: they are left. */
  readonly unexpected: readonly string[];
}

/** @returns whether all weights are expected. @throws OptionError */
export function strictOf(what: string, options: WeightOptions): boolean {
  checkOptions(what, options, { strict: boolean });
  return options.strict ?? true;
}

/**
 * Throws unless the weights are those of the layout, or if not strict some of them: names, shapes, element type.
 * @returns the others, if not strict
 */
export function checkWeights(what: string, layout: Layout, weights: ReadonlyMap<string, NdArray>, strict: boolean): UnsharedWeights {
  const unshared = checkPaths(what, layout, weights, strict);
  checkValues(what, layout, weights, strict);
  return unshared;
}

/** The names alone. @throws StateError */
export function checkPaths(what: string, layout: Layout, weights: ReadonlyMap<string, NdArray>, strict: boolean): UnsharedWeights {
  const missing = layout.entries.filter((entry) => !weights.has(entry.path)).map((entry) => entry.path);
  const unexpected = [...weights.keys()].filter((path) => layout.get(path) === undefined);
  if (strict) {
    if (missing.length > 0 || unexpected.length > 0) {
      throw new StateError(
        `${what}: expected weights of this architecture, got others: missing ${list(missing)}, unknown ${list(unexpected)}. Load them into the model they were saved from, or with { strict: false } those alone that both have.`,
      );
    }
  } else if (missing.length === layout.entries.length) {
    throw new StateError(
      `${what}: expected at least one of the weights ${list(missing)}, got ${list([...weights.keys()])}. Rename them to the paths of this model.`,
    );
  }
  return { missing, unexpected };
}

/** Shapes and element types of those the layout has. @throws ShapeError, DTypeError, StateError for a buffer that is gone */
export function checkValues(what: string, layout: Layout, weights: ReadonlyMap<string, NdArray>, strict: boolean): void {
  for (const entry of layout.entries) {
    const value = weights.get(entry.path);
    if (value === undefined) continue;
    if (value.dtype !== 'float32') throw new DTypeError(`${what}: expected float32 for "${entry.path}", got ${value.dtype}.`);
    checkIntact(what, `"${entry.path}"`, value);
    if (!sameShape(value.shape, entry.shape)) {
      throw new ShapeError(
        `${what}: expected "${entry.path}" of shape ${formatShape(entry.shape)}, got ${formatShape(value.shape)}. Load it into a model of the same sizes${strict ? '' : ', or leave it out'}.`,
      );
    }
  }
}

function list(paths: readonly string[]): string {
  if (paths.length === 0) return 'none';
  const first = paths.slice(0, 5).map((path) => `"${path}"`);
  return first.join(', ') + (paths.length > 5 ? ', …' : '');
}
