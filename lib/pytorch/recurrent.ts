/**
 * Recurrent layers in PyTorch's layout. There a layer has weights [gates·H, I] and two biases, of which only the sum matters; here weights
 * are [I, gates·H] and there is one bias. A GRU's n gate keeps both, because the second one is inside the reset gate.
 */
import { NdArray } from '../array.js';
import { arrayMap } from '../array-check.js';
import { DTypeError, ShapeError, StateError, formatShape } from '../errors.js';
import { check } from '../options.js';
import { permuted } from './permuted.js';

/** `encoder.` `weight_ih` `_l0` `_reverse`; cells have neither layer nor direction. */
export const torchName = /^(|.*\.)(weight_ih|weight_hh|bias_ih|bias_hh)(?:_l(\d+)(_reverse)?)?$/;
/** `encoder.` `recurrentWeight` `0` `Reverse` */
const ownName = /^(|.*\.)(weight|recurrentWeight|bias|recurrentBias)(?:(\d+)(Reverse)?)?$/;

/** The parts of one direction of one layer that lie under one prefix. */
interface Group {
  readonly prefix: string;
  readonly layer: string | undefined;
  readonly reverse: boolean;
  readonly parts: Map<string, NdArray>;
  /** The whole name of a part. */
  readonly nameOf: (part: string) => string;
}

/**
 * The weights of RNN, LSTM, GRU layers or cells from the arrays of a PyTorch state_dict:
 * W = weight_ihᵀ, U = weight_hhᵀ, bias = bias_ih + bias_hh; for a GRU's n gate bias = bias_ih and recurrentBias = bias_hh.
 * Which of them it is follows from the shapes. `encoder.weight_ih_l0_reverse` becomes `encoder.weight0Reverse`, to be renamed at will;
 * arrays of other names are not looked at. Layers without bias get zeros.
 * For a whole model there is weightsFromPyTorch.
 * @throws OptionError for what is no Map of arrays; StateError if a weight of a layer is missing; ShapeError, DTypeError if arrays do not fit each other
 */
export function recurrentFromPyTorch(arrays: ReadonlyMap<string, NdArray>): Map<string, NdArray<Float32Array>> {
  check('recurrentFromPyTorch', 'arrays', arrays, arrayMap);
  const result = new Map<string, NdArray<Float32Array>>();
  for (const group of groupsOf('recurrentFromPyTorch', arrays, torchName)) {
    const [ih, hh] = [required(group, 'weight_ih'), required(group, 'weight_hh')];
    const [width, hidden] = hh.shape as [number, number];
    const gates = gateCount('recurrentFromPyTorch', group.nameOf('weight_hh'), width, hidden, hh);
    checkShape('recurrentFromPyTorch', group.nameOf('weight_ih'), ih, [width, ih.shape[1] ?? 0]);
    const bias = (name: string): Float32Array => {
      const given = group.parts.get(name) ?? new NdArray(new Float32Array(width), [width]);
      checkShape('recurrentFromPyTorch', group.nameOf(name), given, [width]);
      return Float32Array.from(given.data);
    };
    const [inner, outer] = [bias('bias_ih'), bias('bias_hh')];
    const kept = gates === 3 ? 2 * hidden : width;
    const name = (part: string): string => `${group.prefix}${part}${group.layer ?? ''}${group.reverse ? 'Reverse' : ''}`;
    result.set(name('weight'), permuted(ih, [1, 0]));
    result.set(name('recurrentWeight'), permuted(hh, [1, 0]));
    result.set(name('bias'), new NdArray(inner.map((b, i) => (i < kept ? b + outer[i]! : b)), [width])); // prettier-ignore
    if (gates === 3) result.set(name('recurrentBias'), new NdArray(outer.slice(kept), [hidden]));
  }
  return result;
}

/**
 * The weights of RNN, LSTM, GRU layers or cells as PyTorch's: the inverse of recurrentFromPyTorch, with the whole bias in bias_ih and
 * zeros in bias_hh where only their sum matters. Weights of other names are not looked at.
 * @throws OptionError for what is no Map of arrays; StateError if a part of a layer is missing, or for a GRU with resetAfter: false, which PyTorch does not have; ShapeError
 */
export function recurrentToPyTorch(weights: ReadonlyMap<string, NdArray>): Map<string, NdArray<Float32Array>> {
  check('recurrentToPyTorch', 'weights', weights, arrayMap);
  const result = new Map<string, NdArray<Float32Array>>();
  for (const group of groupsOf('recurrentToPyTorch', weights, ownName)) {
    // Other layers have a weight and a bias too.
    if (!group.parts.has('recurrentWeight')) continue;
    const [w, u, b] = [required(group, 'weight'), required(group, 'recurrentWeight'), required(group, 'bias')];
    const [hidden, width] = u.shape as [number, number];
    const gates = gateCount('recurrentToPyTorch', group.nameOf('recurrentWeight'), width, hidden, u);
    checkShape('recurrentToPyTorch', group.nameOf('weight'), w, [w.shape[0] ?? 0, width]);
    checkShape('recurrentToPyTorch', group.nameOf('bias'), b, [width]);
    const second = new Float32Array(width);
    if (gates === 3) {
      const recurrent = group.parts.get('recurrentBias');
      if (recurrent === undefined) {
        throw new StateError(
          `recurrentToPyTorch: expected recurrentBias beside "${group.nameOf('recurrentWeight')}", got none: PyTorch has no GRU with resetAfter: false.`,
        );
      }
      checkShape('recurrentToPyTorch', group.nameOf('recurrentBias'), recurrent, [hidden]);
      second.set(recurrent.data, 2 * hidden);
    }
    const suffix = group.layer === undefined ? '' : `_l${group.layer}${group.reverse ? '_reverse' : ''}`;
    const set = (part: string, value: NdArray<Float32Array>): unknown => result.set(`${group.prefix}${part}${suffix}`, value);
    set('weight_ih', permuted(w, [1, 0]));
    set('weight_hh', permuted(u, [1, 0]));
    set('bias_ih', new NdArray(Float32Array.from(b.data), [width]));
    set('bias_hh', new NdArray(second, [width]));
  }
  return result;
}

function groupsOf(what: string, arrays: ReadonlyMap<string, NdArray>, pattern: RegExp): Iterable<Group> {
  const groups = new Map<string, Group>();
  for (const [name, value] of arrays) {
    const match = pattern.exec(name);
    if (match === null) continue;
    const [, prefix = '', part = '', layer, reverse] = match;
    const key = `${prefix} ${layer} ${reverse}`;
    const group = groups.get(key) ?? {
      prefix,
      layer,
      reverse: reverse !== undefined,
      parts: new Map<string, NdArray>(),
      nameOf: (of: string) => prefix + of + name.slice(prefix.length + part.length),
    };
    groups.set(key, group);
    if (value.dtype !== 'float32') throw new DTypeError(`${what}: expected float32 for "${name}", got ${value.dtype}.`);
    group.parts.set(part, value);
  }
  return groups.values();
}

function required({ nameOf, parts }: Group, part: string): NdArray {
  const value = parts.get(part);
  if (value !== undefined && value.rank === (part === 'bias' ? 1 : 2)) return value;
  const got = value === undefined ? `only ${[...parts.keys()].map((name) => `"${nameOf(name)}"`).join(', ')}` : formatShape(value.shape);
  throw new StateError(`recurrent weights: expected ${part === 'bias' ? 'a vector' : 'a matrix'} "${nameOf(part)}", got ${got}.`);
}

function gateCount(what: string, name: string, width: number, hidden: number, array: NdArray): number {
  const gates = width / hidden;
  if (gates === 1 || gates === 3 || gates === 4) return gates;
  throw new ShapeError(
    `${what}: expected 1, 3 or 4 gates of H = ${hidden} in "${name}", got shape ${formatShape(array.shape)}. Projections (proj_size) are not supported.`,
  );
}

function checkShape(what: string, name: string, { shape }: NdArray, expected: readonly number[]): void {
  if (shape.length === expected.length && shape.every((n, i) => n === expected[i])) return;
  throw new ShapeError(`${what}: expected shape ${formatShape(expected)} for "${name}", got ${formatShape(shape)}.`);
}
