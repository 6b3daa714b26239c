/**
 * The errors lanewise throws. Each message says where, what was expected, what came and what to do:
 * `Linear "head": expected x of rank ≥ 1 [..., I], got []. Give it a dimension of features.`
 */

/** Machine-readable kind of an error, stable across versions. */
export type ErrorCode = 'ERR_SHAPE' | 'ERR_DTYPE' | 'ERR_OPTION' | 'ERR_STATE' | 'ERR_DATA' | 'ERR_FILE' | 'ERR_NATIVE';

/** Base of every error of this library. */
export abstract class LanewiseError extends Error {
  abstract readonly code: ErrorCode;
  /** Path of the layer the error was raised in, once known; '' is the model itself. From a run undefined for that, as for losses and optimizers. */
  layer: string | undefined;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Sizes or ranks that do not fit. */
export class ShapeError extends LanewiseError {
  readonly code = 'ERR_SHAPE';
}

/** A tensor or array of the wrong element type. */
export class DTypeError extends LanewiseError {
  readonly code = 'ERR_DTYPE';
}

/** An option that is unknown, of the wrong kind or out of range. */
export class OptionError extends LanewiseError {
  readonly code = 'ERR_OPTION';
}

/** A call that the object's present state does not allow. */
export class StateError extends LanewiseError {
  readonly code = 'ERR_STATE';
}

/** Values of the data themselves: a label out of range, NaN, no rows. */
export class DataError extends LanewiseError {
  readonly code = 'ERR_DATA';
}

/** A file that cannot be read as what it should be. */
export class FileError extends LanewiseError {
  readonly code = 'ERR_FILE';
}

/** The native side cannot be loaded, refused or failed. */
export class NativeError extends LanewiseError {
  readonly code = 'ERR_NATIVE';
}

/** `[2, 3]` as errors print a shape. @throws OptionError unless it is a list */
export function formatShape(shape: readonly number[]): string {
  if (!Array.isArray(shape)) throw new OptionError(`formatShape: expected a list of sizes, got ${shape === null ? 'null' : typeof shape}.`);
  return `[${shape.join(', ')}]`;
}
