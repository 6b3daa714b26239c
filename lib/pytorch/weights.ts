/** All weights of a model as a state_dict of PyTorch has them: other names, other orders of dimensions. */
import { NdArray } from '../array.js';
import { arrayMap } from '../array-check.js';
import { DTypeError, OptionError, ShapeError, StateError, formatShape } from '../errors.js';
import type { Outputs } from '../graph/outputs.js';
import { type Shape, sameShape } from '../graph/shape.js';
import { BatchNorm } from '../layers/batch-norm.js';
import { ConvTranspose1d } from '../layers/conv-transpose1d.js';
import { ConvTranspose2d } from '../layers/conv-transpose2d.js';
import { Conv1d } from '../layers/conv1d.js';
import { Conv2d } from '../layers/conv2d.js';
import { CrossAttention } from '../layers/cross-attention.js';
import { DepthwiseConv2d } from '../layers/depthwise-conv2d.js';
import { GRUCell } from '../layers/gru-cell.js';
import { GRU } from '../layers/gru.js';
import { Layer } from '../layers/layer.js';
import { Linear } from '../layers/linear.js';
import { LSTMCell } from '../layers/lstm-cell.js';
import { MultiHeadAttention } from '../layers/multi-head-attention.js';
import { SequenceLayer } from '../layers/recurrent.js';
import { RNNCell } from '../layers/rnn-cell.js';
import type { Model } from '../model/model.js';
import { check, kindOf } from '../options.js';
import { permuted } from './permuted.js';
import { recurrentFromPyTorch, recurrentToPyTorch, torchName } from './recurrent.js';

/** A parameter or buffer of a layer that is not recurrent. */
interface Weight {
  readonly path: string;
  readonly shape: Shape;
  /** Dimension i there is dimension axes[i] here. */
  readonly axes: readonly number[];
}

/** A tensor of the state_dict: one weight, or several along its first dimension. */
type Parts = readonly [Weight, ...Weight[]];

/**
 * The weights of a built model from the tensors of a PyTorch state_dict, for `setWeights`: transposed as the layers here have them,
 * those of BatchNorm and layers of attention by their names here, recurrent layers as by {@link recurrentFromPyTorch}.
 * ```ts
 * const { tensors } = await readSafetensors('model.safetensors'); // save_file(model.state_dict(), 'model.safetensors')
 * model.build([28, 28, 1]).setWeights(weightsFromPyTorch(model, tensors));
 * ```
 * Layers are found by their names, which must be those of the model: rename the entries of the Map where they are not. Parameters of layers of
 * your own are taken as they are, and so are tensors the model does not have: `setWeights` refuses them, or leaves them with `strict: false`.
 * `num_batches_tracked` is left out. A recurrent layer has two biases there, which are added up: trained on there, their sum moves twice as far in a step
 * as the one bias here.
 *
 * What no names and shapes tell: PyTorch flattens images as [C, H, W], this library as [H, W, C], so a Linear behind a Flatten of more than one
 * pixel means other columns. A model with such weights, to take or to give, flattens as PyTorch does, with
 * `new Lambda((x) => new Flatten().forward(transpose(x, [0, 3, 1, 2])))` in the place of its `new Flatten()`. A LayerNorm over [C, H, W] likewise
 * has its weights in the order [H, W, C] here.
 *
 * @throws StateError if the model is not built, a part of a recurrent layer is missing, or PyTorch has no such layer (GRU with
 *   resetAfter: false); ShapeError, DTypeError if a tensor does not fit the layer of its name
 */
export function weightsFromPyTorch(model: Layer<never, Outputs>, tensors: ReadonlyMap<string, NdArray>): Map<string, NdArray> {
  const root = modelOf('weightsFromPyTorch', model);
  check('weightsFromPyTorch', 'tensors', tensors, arrayMap);
  const rest = new Map(tensors);
  const result = new Map<string, NdArray>();
  for (const [name, parts] of plainWeights(root)) {
    const value = tensors.get(name);
    if (value === undefined) continue;
    const shapes = parts.map(shapeThere);
    const expected = shapes.length === 1 ? shapes[0]! : shapes[0]!.with(0, shapes.reduce((sum, [size]) => sum + size!, 0)); // prettier-ignore
    if (!sameShape(value.shape, expected)) {
      throw new ShapeError(
        `weightsFromPyTorch: expected "${name}" of shape ${formatShape(expected)}, got ${formatShape(value.shape)}. Load it into a model of the same sizes, or leave it out.`,
      );
    }
    if (value.dtype !== 'float32') throw new DTypeError(`weightsFromPyTorch: expected float32 for "${name}", got ${value.dtype}.`);
    let begin = 0;
    for (const [i, { path, axes }] of parts.entries()) {
      const end = begin + (shapes[i]![0] ?? 1);
      const part = parts.length === 1 ? value : value.rows(begin, end);
      result.set(path, permuted(part, axes.map((_, i) => axes.indexOf(i)))); // prettier-ignore
      begin = end;
    }
    rest.delete(name);
  }
  for (const [path, layer] of root.layers()) {
    const prefix = path === '' ? '' : `${path}.`;
    if (layer instanceof BatchNorm) rest.delete(`${prefix}num_batches_tracked`);
    if (!isRecurrent(layer)) continue;
    const parts = [...rest].filter(([name]) => torchName.exec(name)?.[1] === prefix);
    if (parts.length > 0 && (layer instanceof GRU || layer instanceof GRUCell) && layer.options.resetAfter === false)
      throw new StateError(
        `weightsFromPyTorch: expected a GRU with resetAfter: true for "${path}", got false, which PyTorch does not have.`,
      );
    for (const [own, value] of recurrentFromPyTorch(new Map(parts))) result.set(own, value);
    for (const [name] of parts) rest.delete(name);
  }
  return new Map([...result, ...rest]);
}

/**
 * The weights of a built model as a PyTorch state_dict: the inverse of {@link weightsFromPyTorch}, with the same names and the same care behind
 * a Flatten. Recurrent layers are as by {@link recurrentToPyTorch}; `load_state_dict` does without `num_batches_tracked`.
 * ```ts
 * await writeSafetensors('model.safetensors', weightsToPyTorch(model)); // model.load_state_dict(load_file('model.safetensors'))
 * ```
 * @throws StateError if the model is not built, or for a GRU with resetAfter: false, which PyTorch does not have
 */
export function weightsToPyTorch(model: Layer<never, Outputs>): Map<string, NdArray<Float32Array>> {
  const root = modelOf('weightsToPyTorch', model);
  const recurrent = new Map<string, NdArray>(root.weights());
  const result = new Map<string, NdArray<Float32Array>>();
  for (const [name, parts] of plainWeights(root)) {
    result.set(name, stacked(parts.map(({ path, axes }) => permuted(recurrent.get(path)!, axes))));
    for (const { path } of parts) recurrent.delete(path);
  }
  return new Map([...result, ...recurrentToPyTorch(recurrent)]);
}

function modelOf(what: string, layer: unknown): Model {
  if (layer instanceof Layer) return layer.model;
  throw new OptionError(`${what}: expected a model, got ${kindOf(layer)}. Give the layer whose weights they are.`);
}

/** What is not part of a recurrent layer, by the names there. */
function plainWeights(model: Model): ReadonlyMap<string, Parts> {
  const layers = model.layers();
  const { entries } = model.layout;
  const shapes = new Map(entries.map(({ path, shape }) => [path, shape]));
  const result = new Map<string, Parts>();
  for (const { path, shape } of entries) {
    const [prefix, own] = [path.slice(0, path.lastIndexOf('.') + 1), path.slice(path.lastIndexOf('.') + 1)];
    const layer = layers.get(prefix.slice(0, -1));
    if (isRecurrent(layer)) continue;
    const name = prefix + (namesOf(layer, (of) => shapes.get(prefix + of))?.get(own) ?? own);
    const weight: Weight = { path, shape, axes: axesOf(layer, shape.length) };
    const before = result.get(name);
    result.set(name, before === undefined ? [weight] : [...before, weight]);
  }
  return result;
}

function shapeThere({ shape, axes }: Weight): Shape {
  return axes.map((axis) => shape[axis]!);
}

/** One after another along the first dimension. */
function stacked(parts: readonly NdArray<Float32Array>[]): NdArray<Float32Array> {
  const [first] = parts;
  if (parts.length === 1) return first!;
  const data = new Float32Array(parts.reduce((size, part) => size + part.data.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
  }
  return new NdArray(data, first!.shape.with(0, parts.reduce((rows, { shape }) => rows + shape[0]!, 0))); // prettier-ignore
}

function isRecurrent(layer: unknown): boolean {
  return layer instanceof SequenceLayer || layer instanceof RNNCell || layer instanceof LSTMCell || layer instanceof GRUCell;
}

/** Where the dimensions of PyTorch's weight of this rank are in the layer's. */
function axesOf(layer: unknown, rank: number): readonly number[] {
  // [O, I] of [I, O]
  if ((layer instanceof Linear || layer instanceof MultiHeadAttention || layer instanceof CrossAttention) && rank === 2) return [1, 0];
  // [O, C/G, K] of [K, C/G, O]; transposed with O and C in each other's place
  if ((layer instanceof Conv1d || layer instanceof ConvTranspose1d) && rank === 3) return [2, 1, 0];
  // [O, C/G, KH, KW] of [KH, KW, C/G, O]; transposed likewise
  const isConv = layer instanceof Conv2d || layer instanceof DepthwiseConv2d || layer instanceof ConvTranspose2d;
  return isConv && rank === 4 ? [3, 2, 0, 1] : Array.from({ length: rank }, (_, i) => i);
}

const batchNormNames: ReadonlyMap<string, string> = new Map([
  ['runningMean', 'running_mean'],
  ['runningVar', 'running_var'],
]);
const attentionNames = (weight: readonly string[], bias: readonly string[]): ReadonlyMap<string, string> =>
  new Map([
    ...weight.map((own) => [own, 'in_proj_weight'] as const),
    ...bias.map((own) => [own, 'in_proj_bias'] as const),
    ['outWeight', 'out_proj.weight'],
    ['outBias', 'out_proj.bias'],
  ]);
const selfNames = attentionNames(['weight'], ['bias']);
const crossNames = attentionNames(['queryWeight', 'keyWeight', 'valueWeight'], ['queryBias', 'keyBias', 'valueBias']);
/** Where the memory has other features than x. */
const unlikeNames: ReadonlyMap<string, string> = new Map([
  ...crossNames,
  ['queryWeight', 'q_proj_weight'],
  ['keyWeight', 'k_proj_weight'],
  ['valueWeight', 'v_proj_weight'],
]);

/** PyTorch's names for a layer's own, where they differ; those of one name are one tensor there. */
function namesOf(layer: unknown, shapeOf: (own: string) => Shape | undefined): ReadonlyMap<string, string> | undefined {
  if (layer instanceof BatchNorm) return batchNormNames;
  if (layer instanceof MultiHeadAttention) return selfNames;
  if (!(layer instanceof CrossAttention)) return undefined;
  return sameShape(shapeOf('queryWeight')!, shapeOf('keyWeight')!) ? crossNames : unlikeNames;
}
