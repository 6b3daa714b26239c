import { leastFloat } from '../floats.js';
import type { MapOp } from './instructions/index.js';

/** The float32 an operation gives for numbers, or undefined for those whose last bits are the kernels' business. */
export function foldConstants(op: MapOp, [a, b, c]: readonly number[]): number | undefined {
  const value = exact(op, a!, b!, c!);
  // Correctly rounded: float64 carries more than twice the digits, so rounding twice is rounding once.
  return value === undefined ? undefined : flushed(value);
}

/** The float32 a run takes a number for. */
export function flushed(value: number): number {
  const rounded = Math.fround(value);
  return Math.abs(rounded) < leastFloat ? 0 * Math.sign(rounded) : rounded;
}

function exact(op: MapOp, a: number, b: number, c: number): number | undefined {
  switch (op) {
    case 'add':
      return a + b;
    case 'sub':
      return a - b;
    case 'mul':
      return a * b;
    case 'div':
      return a / b;
    case 'maximum':
      return Math.max(a, b);
    case 'minimum':
      return Math.min(a, b);
    case 'neg':
      return -a;
    case 'abs':
      return Math.abs(a);
    case 'sign':
      return Math.sign(a);
    case 'sqrt':
      return Math.sqrt(a);
    case 'square':
      return a * a;
    case 'reciprocal':
      return 1 / a;
    case 'floor':
      return Math.floor(a);
    case 'less':
      return Number(a < b);
    case 'lessEqual':
      return Number(a <= b);
    case 'equal':
      return Number(a === b);
    case 'notEqual':
      return Number(a !== b);
    case 'select':
      return a !== 0 ? b : c;
    case 'relu':
      return a < 0 ? 0 : a;
    default:
      return undefined;
  }
}
