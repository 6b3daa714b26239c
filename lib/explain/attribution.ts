/** What each element of the input did for an output: gradients of a trained model by its input. */
import { NdArray, array } from '../array.js';
import { checkArray, isNdArray } from '../array-check.js';
import { compile } from '../compile/compile.js';
import { DTypeError, DataError, OptionError, ShapeError, formatShape } from '../errors.js';
import { gradients } from '../graph/gradients.js';
import { type Shape, sameShape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { Layer } from '../layers/layer.js';
import { type Inputs, countRows, formatRows, inputList, rowType } from '../model/data.js';
import type { Model } from '../model/model.js';
import { outputOf } from '../model/output-of.js';
import { add, mul, sub } from '../ops/elementwise.js';
import { pick } from '../ops/gather.js';
import { sum } from '../ops/reduce.js';
import { reshape } from '../ops/shape.js';
import { type Rule, checkOptions, count, either, finite, kindOf, nonNegativeInteger } from '../options.js';

/** Options of {@link inputGradient}. */
export interface AttributionOptions {
  /** Which output is explained: one number for all rows, or int32 [N], such as the true classes. Default: each row's largest. */
  readonly target?: number | NdArray<Int32Array> | undefined;
  /** Rows computed at once. Default: 64. */
  readonly batchSize?: number | undefined;
}

/** Options of {@link integratedGradients}. */
export interface IntegratedGradientsOptions extends AttributionOptions {
  /** The input that says nothing: a number, or an array of the shape of one row, such as the mean image. Default: 0. */
  readonly baseline?: number | NdArray<Float32Array> | undefined;
  /** Points on the way from the baseline to the input. Default: 50. */
  readonly steps?: number | undefined;
}

const arrayRule: Rule = { expected: 'an array made by array()', accepts: isNdArray };
const rules = { target: either(nonNegativeInteger, arrayRule), batchSize: count };

/** Rows in float32, what is held beside them, and which output of each is looked at. */
interface Part {
  readonly x: NdArray<Float32Array>;
  readonly rest: readonly NdArray[];
  readonly ids: NdArray<Int32Array>;
}

/**
 * g = ∂F_t(x) / ∂x for each row: how much the output of class t changes with each element of its input. Its absolute value is the saliency
 * map, g · x the attribution called gradient × input. The model is taken as it predicts, and may not be changed meanwhile.
 *
 * @param model a trained model with outputs [N, C], [N, 1] or [N]: logits say more than probabilities, whose gradients vanish where it is sure
 * @param x its inputs, float32 or bytes. Of several the first is explained, and the others are held.
 * @returns of the shape of x
 * @throws StateError if the model was never built; ShapeError, DTypeError, DataError, OptionError for arguments that do not fit
 * @see Simonyan et al. 2013, https://arxiv.org/abs/1312.6034
 */
export async function inputGradient(model: Layer<never>, x: Inputs, options: AttributionOptions = {}): Promise<NdArray<Float32Array>> {
  checkOptions('inputGradient', options, rules);
  const task = await taskOf('inputGradient', model, x, options);
  // One list, since a slope need not depend on what is held, as in the sum of two branches.
  const by = compile((...[rows, ids, ...rest]: [Tensor, Tensor, ...Tensor[]]) => slope(task.model, rows, ids, rest));
  return eachPart(task, (part) => by(part.x, part.ids, ...part.rest));
}

/**
 * IG = (x − x′) · 1/m Σ_k ∂F_t(x′ + (k + ½)/m · (x − x′)) / ∂x, k = 0 … m − 1: what each element adds to the output of class t on the way
 * from a baseline x′ that says nothing. The attributions of a row add up to F_t(x) − F_t(x′), the better the more steps there are.
 *
 * @param model a trained model with outputs [N, C], [N, 1] or [N]
 * @param x its inputs, float32 or bytes. Of several the first is explained, and the others are held.
 * @returns of the shape of x
 * @throws as inputGradient
 * @see Sundararajan et al. 2017, https://arxiv.org/abs/1703.01365
 */
export async function integratedGradients(
  model: Layer<never>,
  x: Inputs,
  options: IntegratedGradientsOptions = {},
): Promise<NdArray<Float32Array>> {
  checkOptions('integratedGradients', options, { ...rules, baseline: either(finite, arrayRule), steps: count });
  const { baseline = 0, steps = 50 } = options;
  const task = await taskOf('integratedGradients', model, x, options);
  const from = baselineOf('integratedGradients', baseline, task.x.shape.slice(1));
  type Args = [total: Tensor, rows: Tensor, start: Tensor, share: Tensor, ids: Tensor, ...rest: Tensor[]];
  const next = compile((...[total, rows, start, share, ids, ...rest]: Args) => {
    const way = sub(rows, start);
    return add(total, mul(way, slope(task.model, add(start, mul(share, way)), ids, rest)));
  });
  return eachPart(task, async (part) => {
    let total: NdArray = array(new Float32Array(part.x.size), part.x.shape);
    for (let k = 0; k < steps; k++) {
      total = await next(total, part.x, from, array(Float32Array.of((k + 0.5) / steps), []), part.ids, ...part.rest);
    }
    return array(
      total.data.map((value) => value / steps),
      total.shape,
    );
  });
}

/** All rows, and the model. */
interface Task extends Part {
  readonly model: Model;
  readonly batchSize: number;
}

async function taskOf(what: string, layer: Layer<never>, inputs: Inputs, options: AttributionOptions): Promise<Task> {
  if (!(layer instanceof Layer)) throw new OptionError(`${what}: expected a model, got ${kindOf(layer)}. Give the layer that was trained.`);
  const { model } = layer;
  const { target, batchSize = 64 } = options;
  const [first, ...rest] = inputList(inputs);
  countRows(what, [first!, ...rest]);
  if (first!.dtype === 'int32') {
    throw new DTypeError(
      `${what}: expected float32 or bytes, got int32, and ids have no gradient. Explain the part of the model after its embedding.`,
    );
  }
  model.checkBuilt();
  const x = first!.data instanceof Float32Array ? (first as NdArray<Float32Array>) : array(new Float32Array(first!.data), first!.shape);
  const outputs = await model.predictor.predict([x, ...rest], {});
  if (!(outputs instanceof NdArray)) {
    throw new ShapeError(
      `${what}: expected a model with one output, got ${Object.keys(outputs).join(', ')}. Explain a layer around it that gives one of them.`,
    );
  }
  return { model, x, rest, ids: targets(what, outputs, target), batchSize };
}

/** The chosen outputs by the rows: each row has a gradient of its own. */
function slope(model: Model, x: Tensor, ids: Tensor, rest: readonly Tensor[]): Tensor {
  const y = outputOf(model, [x, ...rest]) as Tensor;
  return gradients(sum(pick(y.rank === 1 ? reshape(y, [-1, 1]) : y, ids)), [x])[0]!;
}

/** What `work` makes of a few rows at a time, one after the other. */
async function eachPart({ x, rest, ids, batchSize }: Task, work: (part: Part) => Promise<NdArray>): Promise<NdArray<Float32Array>> {
  const count = x.shape[0]!;
  const result = new Float32Array(x.size);
  for (let begin = 0; begin < count; begin += batchSize) {
    const end = Math.min(begin + batchSize, count);
    const part = { x: x.rows(begin, end), rest: rest.map((one) => one.rows(begin, end)), ids: ids.rows(begin, end) };
    result.set((await work(part)).data, (begin * x.size) / count);
  }
  return array(result, x.shape);
}

/** The number of an output for each row. */
function targets(what: string, outputs: NdArray<Float32Array>, target: number | NdArray<Int32Array> | undefined): NdArray<Int32Array> {
  const [count, width = 1] = outputs.shape as readonly [number, number?];
  if (outputs.rank > 2) {
    const got = formatRows(rowType(outputs));
    throw new ShapeError(
      `${what}: expected a model with outputs [N, C] or [N], got ${got}. Explain one that ends in one row for each input.`,
    );
  }
  if (target === undefined) return array(largest(outputs.data, count, width));
  const ids = typeof target === 'number' ? array(new Int32Array(count).fill(target)) : target;
  checkArray(what, 'target', ids);
  if (ids.dtype !== 'int32') throw new DTypeError(`${what}: expected int32 numbers of outputs for target, got ${ids.dtype}.`);
  if (!sameShape(ids.shape, [count]))
    throw new ShapeError(`${what}: expected target [${count}], one for each row, got ${formatShape(ids.shape)}.`);
  const bad = ids.data.findIndex((id) => id < 0 || id >= width);
  if (bad >= 0) throw new DataError(`${what}: expected targets in 0 … ${width - 1}, got ${ids.data[bad]} in row ${bad}.`);
  return ids;
}

/** Of equal ones the first. */
function largest(values: Float32Array, rows: number, width: number): Int32Array {
  return Int32Array.from({ length: rows }, (_, row) => {
    const own = values.subarray(row * width, (row + 1) * width);
    return own.reduce((best, value, i) => (value > own[best]! ? i : best), 0);
  });
}

function baselineOf(what: string, baseline: number | NdArray<Float32Array>, shape: Shape): NdArray<Float32Array> {
  if (typeof baseline === 'number') return array(Float32Array.of(baseline), []);
  checkArray(what, 'baseline', baseline);
  if (!sameShape(baseline.shape, shape) || baseline.dtype !== 'float32') {
    const got = `${baseline.dtype} ${formatShape(baseline.shape)}`;
    throw new ShapeError(`${what}: expected a number or float32 ${formatShape(shape)}, one row of the input, for baseline, got ${got}.`);
  }
  return baseline;
}
