import { type NdArray, array } from './array.js';
import { arrayList, isNdArray } from './array-check.js';
import { build } from './compile/program.js';
import { OptionError, StateError } from './errors.js';
import { inContext } from './graph/trace-context.js';
import { gradients } from './graph/gradients.js';
import { type Outputs, isOutputs, mapParts, partsOf } from './graph/outputs.js';
import { MemorySlot, constant, source } from './graph/source.js';
import { type Tensor, type TensorType, byteSize } from './graph/tensor.js';
import { Layer } from './layers/layer.js';
import { Loss } from './losses/loss.js';
import { createMemory, memoryWith, readFloats } from './memory.js';
import { type AnyLayer, type Trace, trace } from './model/trace.js';
import { checkedValues } from './model/weights.js';
import { type MemoryHandle, native } from './native.js';
import { cast } from './ops/elementwise.js';
import { concat, reshape } from './ops/shape.js';
import { boolean, callable, check, checkOptions, isRecord, positive, seed as seedRule, type Rule } from './options.js';
import { Philox } from './random.js';
import { gotReturned } from './returned.js';
import { type Targets, targetParts } from './training/batch.js';
import { lossOf } from './training/results.js';

/** Options of {@link gradcheck}. */
export interface GradcheckOptions {
  /**
   * Distance of the points in the difference; for |x| > 1 times |x|. A smaller one, 1/256, meets fewer kinks within a layer, such as of ReLU; a larger one has
   * less rounding. Default: 1/32.
   */
  readonly step?: number | undefined;
  /** Largest relative error that passes. Default: 1e-3. */
  readonly tolerance?: number | undefined;
  /** Trace a layer as in training. Default: false. */
  readonly training?: boolean | undefined;
  /** Decides the parameters of a layer, its dropout and the direction in which an output that is no scalar is compared. Default: 0. */
  readonly seed?: number | undefined;
  /** A loss after the layer, with the data it compares to: an array, or several by name. Default: none. */
  readonly loss?: { readonly loss: Loss<never, never>; readonly target: Targets } | undefined;
}

/** What came out for one input or parameter. */
export interface GradcheckInput {
  /** 'input 0', or the path of a parameter. */
  readonly name: string;
  /** Largest relative error of its elements, less what rounding explains. */
  readonly maxError: number;
  /** Element with that error. */
  readonly index: number;
  /** Its gradient from `gradients()`. */
  readonly analytic: number;
  /** Its gradient from differences. */
  readonly numeric: number;
}

/** What {@link gradcheck} found. */
export interface GradcheckReport {
  readonly passed: boolean;
  /** One for each float32 input, then one for each parameter of a layer. */
  readonly inputs: readonly GradcheckInput[];
}

/** A value that is varied, or held if it is of whole numbers. */
interface Variable {
  readonly name: string;
  readonly slot: MemorySlot;
  readonly tensor: Tensor;
  readonly data: NdArray;
}

/** Elements whose gradient is below this share of the input's largest are judged by that share: rounding drowns them. */
const floorShare = 0.1;

/** 2ε. Differences of sums of squares, of exponentials and of LSTMs, with |f| from 1 to 1600, were wrong by up to 1.3 ε|f|/h. */
const roundingUnit = 2 * 2 ** -23;
/** Largest share of a gradient that is laid on rounding: half of what a wrong formula gives at least. */
const roundingShare = 0.05;

const lossRule: Rule = {
  expected: '{ loss, target }, a Loss and an array made by array(), or several by name',
  accepts: (value) =>
    typeof value === 'object' &&
    value !== null &&
    'loss' in value &&
    value.loss instanceof Loss &&
    'target' in value &&
    Object.values(isRecord(value.target) ? value.target : { target: value.target }).every(isNdArray),
};

const differentiable: Rule = {
  expected: 'a layer or a function of tensors',
  accepts: (value) => value instanceof Layer || callable.accepts(value),
};

/**
 * Compares the gradients of a function of tensors, or of a layer and its parameters, with differences of its values.
 *
 * numeric = (8 (f(x+h) − f(x−h)) − (f(x+2h) − f(x−2h))) / 12h, the error being |analytic − numeric| relative to the larger of
 * the two, or to a tenth of the input's largest gradient where both are smaller. In float32 rounding alone gives about 1e-5 to
 * 1e-4, a wrong formula 1e-1 and more; the default tolerance of 1e-3 tells them apart. Keep the inputs 2h away from kinks, such
 * as 0 for ReLU, where both are right and differ.
 *
 * Several outputs are compared together, and so is what layers add by `scope.addLoss`: as further outputs or, where there is a loss, as part of it.
 *
 * @param of a function of tensors that returns a tensor, or several by name, or a layer
 * @param inputs values to check at; those of int32 and uint8 are held
 * @throws OptionError for wrong arguments; StateError if there is neither a float32 input nor a parameter
 */
export async function gradcheck(
  of: ((...inputs: Tensor[]) => Outputs) | AnyLayer,
  inputs: readonly NdArray[],
  options: GradcheckOptions = {},
): Promise<GradcheckReport> {
  check('gradcheck', 'the first argument', of, differentiable);
  check('gradcheck', 'inputs', inputs, arrayList);
  checkOptions('gradcheck', options, { step: positive, tolerance: positive, training: boolean, seed: seedRule, loss: lossRule });
  const { step = 1 / 32, tolerance = 1e-3, seed = 0 } = options;
  const variables = inputs.map((data, i) => variable(`input ${i}`, data));
  const parameters: Variable[] = [];
  const varying = variables.filter(({ data }) => data.dtype === 'float32');
  const y = inContext(BigInt(seed), false, () => outputOf(of, variables, parameters, options));
  const varied = [...varying, ...parameters];
  if (varied.length === 0) throw new StateError('gradcheck: expected at least one float32 input or parameter, got none.');

  const memories = new Map<MemorySlot, MemoryHandle>();
  for (const { slot, data } of [...variables, ...parameters]) memories.set(slot, memoryWith(data.data));
  const direction = y.size === 1 ? Float32Array.of(1) : new Philox(seed).uniform(y.size, -1, 1);
  const evaluate = evaluator(y, memories);
  const analytic = await evaluateGradients(y, varied, direction, memories);
  // |f|; of an output that is no scalar its elements round each by themselves.
  const size = Math.sqrt((await evaluate()).reduce((total, value, i) => total + (value * direction[i]!) ** 2, 0));
  const results: GradcheckInput[] = [];
  for (const [i, of] of varied.entries()) {
    const numeric = await differences(of, memories.get(of.slot)!, step, async () => dot(direction, await evaluate()));
    const noise = Float64Array.from(of.data.data, (x) => (roundingUnit * size) / distance(x, step));
    const isZero = analytic[i]!.every((a) => Math.abs(a) <= roundingUnit * size) && numeric.every((n, at) => Math.abs(n) <= noise[at]!);
    results.push(isZero ? nothing(of.name, analytic[i]!, numeric) : compare(of.name, analytic[i]!, numeric, noise));
  }
  return { passed: results.every(({ maxError }) => maxError <= tolerance), inputs: results };
}

/** y float32; what it needs beyond the inputs is added: parameters to be varied, and what is held to `variables`. */
function outputOf(
  of: ((...inputs: Tensor[]) => Outputs) | AnyLayer,
  variables: Variable[],
  parameters: Variable[],
  options: GradcheckOptions,
): Tensor {
  const { training = false, seed = 0, loss } = options;
  const inputs = variables.map(({ tensor }) => tensor);
  const traced = (layer: AnyLayer): Pick<Trace, 'outputs' | 'losses'> =>
    trace(layer, inputs, {
      training,
      seed: BigInt(seed),
      resolve: (kind, path, shape, init) => {
        const values = checkedValues(path, shape, init(shape, new Philox(seed, parameters.length + 1)));
        const made = variable(path, array(values, shape));
        (kind === 'parameter' ? parameters : variables).push(made);
        return made.tensor;
      },
    });
  const { outputs, losses } = of instanceof Layer ? traced(of) : { outputs: partsOf(checked(of(...inputs))), losses: [] };
  if (loss === undefined) return flat([...outputs.map(([, output]) => output), ...losses]);
  const targets = mapParts(targetParts(loss.target), (data, name) => variable(name || 'target', data));
  variables.push(...targets.map(([, target]) => target));
  return lossOf(loss.loss, losses, { outputs, targets: mapParts(targets, ({ tensor }) => tensor), sampleWeight: undefined });
}

function checked(returned: unknown): Outputs {
  if (isOutputs(returned)) return returned;
  throw new OptionError(
    `gradcheck: expected a function that returns a tensor, or tensors by name, ${gotReturned(returned, 'Return several as { a, b }.')}`,
  );
}

/** All elements of some tensors. */
function flat(tensors: readonly Tensor[]): Tensor {
  const floats = tensors.map((one) => cast(one, 'float32'));
  return floats.length === 1
    ? floats[0]!
    : concat(
        floats.map((one) => reshape(one, [-1])),
        0,
      );
}

function variable(name: string, data: NdArray): Variable {
  const type: TensorType = data;
  const slot = new MemorySlot(name, byteSize(type));
  return { name, slot, tensor: source(slot, 0, data.shape, data.dtype), data };
}

/** A function that gives y for what the memories hold now, always as step 0, so that dropout repeats itself. */
function evaluator(y: Tensor, memories: ReadonlyMap<MemorySlot, MemoryHandle>): () => Promise<Float32Array> {
  const slot = new MemorySlot('y', byteSize(y));
  const memory = createMemory(slot.bytes);
  const program = build([{ value: y, slot, byteOffset: 0, commit: false }]);
  return async () => {
    await program.run(new Map([...memories, [slot, memory]]), 1, 0);
    return readFloats(memory, y.size);
  };
}

async function evaluateGradients(
  y: Tensor,
  xs: readonly Variable[],
  direction: Float32Array,
  memories: ReadonlyMap<MemorySlot, MemoryHandle>,
): Promise<readonly Float32Array[]> {
  const dxs = gradients(
    y,
    xs.map(({ tensor }) => tensor),
    constant(direction, y.shape),
  );
  const bound = dxs.map((dx) => ({
    dx,
    slot: new MemorySlot('dx', byteSize(dx)),
    memory: createMemory(byteSize(dx)),
  }));
  const program = build(bound.map(({ dx, slot }) => ({ value: dx, slot, byteOffset: 0, commit: false })));
  await program.run(new Map([...memories, ...bound.map(({ slot, memory }) => [slot, memory] as const)]), 1, 0);
  return bound.map(({ dx, memory }) => readFloats(memory, dx.size));
}

/** d f / d element for each element of the variable, by a difference of fourth order. */
async function differences({ data }: Variable, memory: MemoryHandle, step: number, f: () => Promise<number>): Promise<Float64Array> {
  const numeric = new Float64Array(data.size);
  for (let i = 0; i < data.size; i++) {
    const x = data.data[i]!;
    const h = distance(x, step);
    const at = async (value: number): Promise<number> => {
      native().writeMemory(memory, i * 4, Float32Array.of(value));
      return f();
    };
    const near = (await at(x + h)) - (await at(x - h));
    const far = (await at(x + 2 * h)) - (await at(x - 2 * h));
    native().writeMemory(memory, i * 4, Float32Array.of(x));
    numeric[i] = (8 * near - far) / (12 * h);
  }
  return numeric;
}

/** h at x. */
function distance(x: number, step: number): number {
  return step * Math.max(1, Math.abs(x));
}

/** Where nothing is left but rounding the gradient is 0, as of an offset of all scores of a softmax, and there is no share of it to be wrong by. */
function nothing(name: string, analytic: Float32Array, numeric: Float64Array): GradcheckInput {
  return { name, maxError: 0, index: 0, analytic: analytic[0] ?? 0, numeric: numeric[0] ?? 0 };
}

/** `noise`: how much of each difference rounding explains. */
function compare(name: string, analytic: Float32Array, numeric: Float64Array, noise: Float64Array): GradcheckInput {
  const largest = numeric.reduce((most, n, i) => Math.max(most, Math.abs(n), Math.abs(analytic[i]!)), 0);
  let worst = nothing(name, analytic, numeric);
  for (let index = 0; index < numeric.length; index++) {
    const a = analytic[index]!;
    const n = numeric[index]!;
    const difference = Math.abs(a - n);
    const scale = Math.max(Math.abs(a), Math.abs(n), floorShare * largest);
    const error = difference === 0 ? 0 : Math.max(0, difference - Math.min(noise[index]!, roundingShare * scale)) / scale;
    const maxError = Number.isNaN(error) ? Infinity : error;
    if (maxError > worst.maxError) worst = { name, maxError, index, analytic: a, numeric: n };
  }
  return worst;
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((total, x, i) => total + x * b[i]!, 0);
}
