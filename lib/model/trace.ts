/** Runs a model's forward symbolically and collects what it asks of its scope. */
import { ShapeError, formatShape } from '../errors.js';
import { type TraceContext, inContext } from '../graph/trace-context.js';
import type { Outputs, Parts } from '../graph/outputs.js';
import { type MemorySlot, source } from '../graph/source.js';
import { type Shape, sameShape } from '../graph/shape.js';
import type { Tensor, TensorType } from '../graph/tensor.js';
import type { Initializer } from '../init.js';
import type { Layer } from '../layers/layer.js';
import { cast } from '../ops/elementwise.js';
import { checkFirstStates } from './first-states.js';
import type { Alias, Entry, EntryKind } from './layout.js';
import type { PlacedWeights } from './placed-weights.js';
import { Tracer } from './tracer.js';

/** Any layer, whatever its inputs. */
export type AnyLayer = Layer<readonly Tensor[], Outputs>;

/** Gives the tensor of a parameter or buffer. */
export type Resolve = (kind: EntryKind, path: string, shape: Shape, init: Initializer, lazy: boolean) => Tensor;

/** How states go on from step to step. */
export interface Carry {
  /** Inputs of the model that are the same in every step; what is made of them alone, or of no inputs, does so too. Default: states go on everywhere. */
  readonly given?: readonly Tensor[] | undefined;
  /** Paths of layers that are called for each step although their inputs are the same. Default: none. */
  readonly along?: ReadonlySet<string> | undefined;
  /** The tensor of a state, as a step finds it. */
  state(path: string, shape: Shape): Tensor;
}

/** One call of a layer, for summaries. */
export interface Call {
  readonly path: string;
  readonly layer: string;
  readonly outputs: Parts<Shape>;
}

/** A layer at its path. */
export interface Placed {
  readonly layer: AnyLayer;
  /** Of its first call, if there is one of its first in which states go on; undefined if it was only entered. */
  readonly inputs: readonly TensorType[] | undefined;
  /** States go on from step to step in any of its calls. */
  readonly carries: boolean;
  /** Of each call in which states do not, because its inputs are the same in every step: the sizes of these without rows. */
  readonly still: readonly string[];
}

export interface Trace {
  readonly outputs: Parts<Tensor>;
  /** The only one, of several the first. */
  readonly output: Tensor;
  /** The parameters the model asked for, by path. */
  readonly parameters: ReadonlyMap<string, Tensor>;
  /** New values of buffers, by path. */
  readonly assigned: ReadonlyMap<string, Tensor>;
  /** Values of carried states for the next step, by path. */
  readonly kept: ReadonlyMap<string, Tensor>;
  /** What layers add to the loss: a number each. */
  readonly losses: readonly Tensor[];
  readonly calls: readonly Call[];
  /** All layers, by path. */
  readonly layers: ReadonlyMap<string, Placed>;
  readonly aliases: readonly Alias[];
  /** What layers expect of the elements of tensors. */
  readonly expectations: readonly Expectation[];
}

/** Whole numbers `least` … `most`, in the words of `layer`. */
export interface Expectation {
  readonly tensor: Tensor;
  readonly layer: string;
  readonly least: number;
  readonly most: number;
}

export interface TraceOptions {
  readonly training: boolean;
  /** Paths of what is not in training all the same: layers with all below them. Default: none. */
  readonly frozen?: readonly string[] | undefined;
  /** Keys the random numbers of this model. */
  readonly seed: bigint;
  readonly resolve: Resolve;
  /** Default: states are zeros in every step. */
  readonly carry?: Carry | undefined;
}

/** The output of the model for symbolic inputs. */
export function trace(root: AnyLayer, inputs: readonly Tensor[], options: TraceOptions): Trace {
  return inContext(options.seed, options.carry !== undefined, (context) => traceIn(context, root, inputs, options));
}

function traceIn(context: TraceContext, root: AnyLayer, inputs: readonly Tensor[], options: TraceOptions): Trace {
  const tracer = new Tracer(options, context);
  // Bytes of a data set become floats here; ids stay what they are.
  const outputs = tracer.run(
    root,
    inputs.map((x) => (x.dtype === 'uint8' ? cast(x, 'float32') : x)),
  );
  checkFirstStates(tracer.passed, [...outputs.map(([, x]) => x), ...tracer.kept.values(), ...tracer.losses]);
  return {
    outputs,
    output: outputs[0]![1],
    parameters: tracer.tensors('parameter'),
    assigned: tracer.assigned,
    kept: tracer.kept,
    losses: tracer.losses,
    calls: tracer.calls,
    layers: tracer.layers,
    aliases: tracer.aliases,
    expectations: tracer.expectations,
  };
}

/** Resolves parameters and buffers to where they lie. */
export function resolveIn(weights: PlacedWeights, inputs: readonly Tensor[]): Resolve {
  const numbers = inputs.find(({ rank, dtype }) => rank === 1 && dtype === 'float32');
  const advice =
    numbers && `An input ${formatShape(numbers.shape)} is one number a row: for layers of features reshape it to [${numbers.size}, 1].`;
  return (kind, path, shape) => {
    weights.layout.find(path, kind, shape, advice);
    const { memory, at } = weights.place(path);
    return source(memory.slot, at * 4, shape);
  };
}

/** Resolves by writing down what is asked for, before there is a memory. */
export function collectInto(requests: Map<string, Omit<Entry, 'offset'>>, slot: MemorySlot): Resolve {
  return (kind, path, shape, init, lazy) => {
    const known = requests.get(path);
    if (known !== undefined && !sameShape(known.shape, shape)) {
      throw new ShapeError(`${kind} "${path}": expected one shape a name, got [${known.shape.join(', ')}] and [${shape.join(', ')}].`);
    }
    requests.set(path, { path, kind, shape, init, lazy });
    return source(slot, 0, shape);
  };
}
