import { OptionError, formatShape } from '../errors.js';
import { type Shape, sizeOf } from '../graph/shape.js';

/** A kind of typed array. */
export interface Kind<T> {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): T;
}

/**
 * A typed array of zeros for a result of this shape.
 * @param advice what to do where there is no memory for it
 * @throws OptionError if there is none
 */
export function newArray<T>(what: string, Kind: Kind<T>, shape: Shape, advice: string): T {
  const size = sizeOf(shape);
  try {
    return new Kind(size);
  } catch (cause) {
    throw new OptionError(
      `${what}: expected a result that fits into memory, got ${size * Kind.BYTES_PER_ELEMENT} bytes for ${formatShape(shape)}. ${advice}`,
      { cause },
    );
  }
}
