/** Runs a model's forward symbolically and collects what it asks of its scope. */
import { LanewiseError, OptionError, ShapeError, StateError } from '../errors.js';
import { type Around, within } from '../graph/around.js';
import { label } from '../graph/label.js';
import { type Outputs, type Parts, isOutputs, partsOf, whole } from '../graph/outputs.js';
import { type MemorySlot, source } from '../graph/source.js';
import { type Shape, Tensor, type TensorType, checkShape, formatShapeOf, sameShape } from '../graph/tensor.js';
import type { Initializer } from '../init.js';
import type { Layer } from '../layers/layer.js';
import type { InputsOf, ParameterOptions, Scope } from '../layers/scope.js';
import { kindOf } from '../options.js';
import { cast, full } from '../ops/elementwise.js';
import { randomNormal, randomUniform } from '../ops/random.js';
import { reshape } from '../ops/shape.js';
import { type Entry, type EntryKind, type Layout, isWithin } from './layout.js';

/** Any layer, whatever its inputs. */
export type AnyLayer = Layer<readonly Tensor[], Outputs>;

/** Gives the tensor of a parameter or buffer. */
export type Resolve = (kind: EntryKind, path: string, shape: Shape, init: Initializer) => Tensor;

/** Gives the tensor of a state that is carried from step to step. */
export type Carry = (path: string, shape: Shape) => Tensor;

/** One call of a layer, for summaries. */
export interface Call {
  readonly path: string;
  readonly layer: string;
  readonly output: Shape;
}

/** A layer at its path. */
export interface Placed {
  readonly layer: AnyLayer;
  /** Of its first call; undefined if only a part of it was used. */
  readonly inputs: readonly TensorType[] | undefined;
}

export interface Trace {
  readonly outputs: Parts<Tensor>;
  /** The only one. @throws ShapeError if there are several */
  readonly output: Tensor;
  /** The parameters the model asked for, by path. */
  readonly parameters: ReadonlyMap<string, Tensor>;
  /** Paths of the parameters of which rows without a gradient are left alone. */
  readonly lazy: ReadonlySet<string>;
  /** New values of buffers, by path. */
  readonly assigned: ReadonlyMap<string, Tensor>;
  /** Values of carried states for the next step, by path. */
  readonly kept: ReadonlyMap<string, Tensor>;
  /** What layers add to the loss: a number each. */
  readonly losses: readonly Tensor[];
  readonly calls: readonly Call[];
  /** All layers, by path. */
  readonly layers: ReadonlyMap<string, Placed>;
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
  return within(options.seed, options.carry !== undefined, (around) => traceWithin(around, root, inputs, options));
}

function traceWithin(around: Around, root: AnyLayer, inputs: readonly Tensor[], options: TraceOptions): Trace {
  const tracer = new Tracer(options, around);
  // Bytes of a data set become floats here; ids stay what they are.
  const outputs = tracer.run(
    root,
    inputs.map((x) => (x.dtype === 'uint8' ? cast(x, 'float32') : x)),
  );
  return {
    outputs,
    get output(): Tensor {
      return single(whole(outputs));
    },
    parameters: tracer.tensors('parameter'),
    lazy: tracer.lazy,
    assigned: tracer.assigned,
    kept: tracer.kept,
    losses: tracer.losses,
    calls: tracer.calls,
    layers: tracer.layers,
    expectations: tracer.expectations,
  };
}

/** Resolves parameters and buffers to their place in the model's memory. */
export function resolveIn(layout: Layout, slot: MemorySlot): Resolve {
  return (kind, path, shape) => source(slot, layout.find(path, kind, shape).offset * 4, shape);
}

/** Resolves by writing down what is asked for, before there is a memory. */
export function collectInto(requests: Map<string, Omit<Entry, 'offset'>>, slot: MemorySlot): Resolve {
  return (kind, path, shape, init) => {
    const known = requests.get(path);
    if (known !== undefined && !sameShape(known.shape, shape)) {
      throw new ShapeError(`${kind} "${path}": expected one shape a name, got [${known.shape.join(', ')}] and [${shape.join(', ')}].`);
    }
    requests.set(path, { path, kind, shape, init });
    return source(slot, 0, shape);
  };
}

/** What all scopes of one trace share. */
class Tracer {
  readonly assigned = new Map<string, Tensor>();
  readonly lazy = new Set<string>();
  readonly kept = new Map<string, Tensor>();
  readonly losses: Tensor[] = [];
  readonly calls: Call[] = [];
  readonly layers = new Map<string, Placed>();
  readonly expectations: Expectation[] = [];
  /** The paths of what was given out. */
  readonly #bufferPaths = new Map<Tensor, string>();
  readonly #statePaths = new Map<Tensor, string>();
  readonly #states = new Map<string, Tensor>();
  readonly #paths = new Map<AnyLayer, string>();
  readonly #resolved = new Map<string, { kind: EntryKind; tensor: Tensor }>();
  readonly #options: TraceOptions;
  readonly #around: Around;

  constructor(options: TraceOptions, around: Around) {
    this.#options = options;
    this.#around = around;
  }

  /** Whether what lies at a path is in training. */
  trainsAt(path: string): boolean {
    const { training, frozen = [] } = this.#options;
    return training && !frozen.some((root) => isWithin(path, root));
  }

  get carries(): boolean {
    return this.#options.carry !== undefined || this.#around.carries;
  }

  /** The root, which may have several outputs. */
  run(root: AnyLayer, inputs: readonly Tensor[]): Parts<Tensor> {
    return Object.entries(this.enter('', root, (scope) => Object.fromEntries(partsOf(forward(root, inputs, scope))), inputs));
  }

  call(path: string, layer: AnyLayer, inputs: readonly Tensor[]): Tensor {
    return this.enter(path, layer, (scope) => ({ output: single(forward(layer, inputs, scope)) }), inputs).output;
  }

  /** Runs a part of a layer in its scope, under the path it has already or else under this one. */
  enter<Outputs extends Readonly<Record<string, Tensor>>>(
    path: string,
    layer: AnyLayer,
    body: (scope: Scope) => Outputs,
    inputs?: readonly Tensor[],
  ): Outputs {
    const owned = this.#paths.get(layer) ?? path;
    const owner = this.layers.get(owned)?.layer;
    if (owner !== undefined && owner !== layer) {
      throw new StateError(
        `scope.call: expected a name of its own for each layer, got "${owned}" twice. Give one of the two ${layer.constructor.name} another name.`,
      );
    }
    this.#paths.set(layer, owned);
    if (owner === undefined) this.layers.set(owned, { layer, inputs });
    const name = layer.constructor.name;
    const title = owned === '' ? name : `${name} "${owned}"`;
    try {
      const outputs = body(new TraceScope(this, owned, title));
      const tensors = Object.values(outputs);
      label(tensors, title);
      if (tensors.length > 0) this.calls.push({ path: owned, layer: name, output: tensors[0]!.shape });
      return outputs;
    } catch (error) {
      throw located(error, name, owned);
    }
  }

  resolve(kind: EntryKind, path: string, shape: Shape, init: Initializer): Tensor {
    checkShape(shape, `${kind} "${path}"`);
    // What an earlier call of the same layer left: each moves the running statistics on.
    const moved = kind === 'buffer' ? this.assigned.get(path) : undefined;
    if (moved !== undefined && sameShape(moved.shape, shape)) return moved;
    // One tensor a name, so that the gradients of every use of a shared parameter add up.
    const known = this.#resolved.get(path);
    if (known !== undefined && known.kind === kind && sameShape(known.tensor.shape, shape)) return known.tensor;
    const tensor = this.#options.resolve(kind, path, shape, init);
    this.#resolved.set(path, { kind, tensor });
    if (kind === 'buffer') this.#bufferPaths.set(tensor, path);
    return tensor;
  }

  tensors(kind: EntryKind): ReadonlyMap<string, Tensor> {
    return new Map([...this.#resolved].flatMap(([path, entry]) => (entry.kind === kind ? [[path, entry.tensor]] : [])));
  }

  assign(buffer: Tensor, value: Tensor): void {
    const path = this.#bufferPaths.get(buffer);
    if (path === undefined)
      throw new StateError('scope.assign: expected a tensor that scope.buffer() gave, got another. Keep the result of scope.buffer().');
    if (!sameShape(buffer.shape, value.shape)) {
      throw new ShapeError(
        `scope.assign: expected a value of shape ${formatShapeOf(buffer)} for buffer "${path}", got ${formatShapeOf(value)}.`,
      );
    }
    if (!this.trainsAt(path)) return;
    this.assigned.set(path, value);
    this.#bufferPaths.set(value, path);
  }

  state(path: string, shape: Shape): Tensor {
    const { carry } = this.#options;
    if (carry === undefined && this.#around.carries) {
      throw new StateError(
        `outputOf: expected a model without states where states go on from step to step, got one with "${path}". Call its layers through the scope.`,
      );
    }
    if (carry === undefined) return full(shape, 0);
    if (this.#states.has(path)) {
      throw new StateError(
        `scope.state: expected one use of a layer where its state is carried, got "${path}" twice. Use two layers, or pass the state on.`,
      );
    }
    const state = carry(path, shape);
    this.#states.set(path, state);
    this.#statePaths.set(state, path);
    return state;
  }

  keep(state: Tensor, value: Tensor): void {
    if (!this.carries) return;
    const path = this.#statePaths.get(state);
    if (path === undefined)
      throw new StateError('scope.keep: expected a tensor that scope.state() gave, got another. Keep the result of scope.state().');
    if (!sameShape(state.shape, value.shape)) {
      throw new ShapeError(`scope.keep: expected a value of shape ${formatShapeOf(state)} for "${path}", got ${formatShapeOf(value)}.`);
    }
    this.kept.set(path, value);
  }

  addLoss(value: unknown, title: string): void {
    if (!(value instanceof Tensor) || value.size !== 1) {
      const got = value instanceof Tensor ? `shape ${formatShapeOf(value)}` : kindOf(value);
      throw new ShapeError(`scope.addLoss: expected one number, got ${got}. Reduce it with mean() or sum().`);
    }
    const loss = reshape(cast(value, 'float32'), []);
    label([loss], title);
    this.losses.push(loss);
  }

  uniform(shape: Shape): Tensor {
    return randomUniform(shape, this.#around.seed, this.#around.streams++);
  }

  normal(shape: Shape): Tensor {
    return randomNormal(shape, this.#around.seed, this.#around.streams++);
  }
}

class TraceScope implements Scope {
  readonly #tracer: Tracer;
  readonly path: string;
  /** The layer as messages call it. */
  readonly #title: string;
  /** Names of its parameters and buffers. */
  readonly #names = new Set<string>();

  constructor(tracer: Tracer, path: string, title: string) {
    this.#tracer = tracer;
    this.path = path;
    this.#title = title;
  }

  get training(): boolean {
    return this.#tracer.trainsAt(this.path);
  }

  parameter(name: string, shape: Shape, init: Initializer, { lazy = false }: ParameterOptions = {}): Tensor {
    this.#checkNew(name, init);
    if (lazy) this.#tracer.lazy.add(this.#child(name));
    return this.#tracer.resolve('parameter', this.#child(name), shape, init);
  }

  buffer(name: string, shape: Shape, init: Initializer): Tensor {
    this.#checkNew(name, init);
    return this.#tracer.resolve('buffer', this.#child(name), shape, init);
  }

  assign(buffer: Tensor, value: Tensor): void {
    this.#tracer.assign(buffer, value);
    label([value], this.#title);
  }

  uniform(shape: Shape): Tensor {
    return this.#tracer.uniform(shape);
  }

  normal(shape: Shape): Tensor {
    return this.#tracer.normal(shape);
  }

  call<L extends Layer<never>>(name: string, layer: L, ...inputs: InputsOf<L>): Tensor {
    return this.#tracer.call(this.#child(name), layer, inputs);
  }

  enter<Outputs extends Readonly<Record<string, Tensor>>>(name: string, layer: Layer<never>, body: (scope: Scope) => Outputs): Outputs {
    return this.#tracer.enter(this.#child(name), layer, body);
  }

  addLoss(value: Tensor): void {
    this.#tracer.addLoss(value, this.#title);
  }

  get carries(): boolean {
    return this.#tracer.carries;
  }

  state(name: string, shape: Shape): Tensor {
    return this.#tracer.state(this.#child(name), shape);
  }

  keep(state: Tensor, value: Tensor): void {
    this.#tracer.keep(state, value);
  }

  expect(x: Tensor, least: number, most: number): void {
    this.#tracer.expectations.push({ tensor: x, layer: this.#title, least, most });
  }

  /** A layer within that is not called through the scope would share parameters of this one. */
  #checkNew(name: string, init: unknown): void {
    if (typeof init !== 'function') {
      throw new OptionError(
        `"${name}": expected an initializer for its first values, got ${kindOf(init)}. Use one such as zeros() or kaimingUniform().`,
      );
    }
    if (this.#names.has(name)) {
      throw new StateError(
        `"${name}": expected a name of its own for each parameter of a layer, got it twice. Keep the tensor, and call other layers by scope.call().`,
      );
    }
    this.#names.add(name);
  }

  #child(name: string): string {
    if (typeof name !== 'string' || name === '' || name.includes('.')) {
      const got = typeof name === 'string' ? `'${name}'` : kindOf(name);
      throw new OptionError(`scope: expected a name that is not empty and without dots, got ${got}.`);
    }
    return this.path === '' ? name : `${this.path}.${name}`;
  }
}

/** One call of `forward`. @throws ShapeError if it takes another number of inputs, or gives neither a tensor nor tensors by name */
function forward(layer: AnyLayer, inputs: readonly Tensor[], scope: Scope): Outputs {
  // Of `...rest` nothing is known, and the scope may be left out.
  const takes = layer.forward.length;
  const refuse = (cause?: unknown): never => {
    const wanted = `${takes - 1} input${takes === 2 ? '' : 's'}`;
    throw new ShapeError(`expected ${wanted}, got ${inputs.length}. Give as many as its forward takes.`, { cause });
  };
  if (takes > inputs.length + 1) refuse();
  let output: unknown;
  try {
    output = layer.forward(...inputs, scope);
  } catch (error) {
    // An input was taken for the scope.
    if (error instanceof TypeError && takes > 1 && takes <= inputs.length) refuse(error);
    throw error;
  }
  if (isOutputs(output)) return output;
  const advice = Array.isArray(output) ? ' Give several outputs by name: { a, b }.' : '';
  throw new ShapeError(`expected forward to return a tensor, or tensors by name, got ${kindOf(output)}.${advice}`);
}

/** @throws ShapeError for several */
function single(outputs: Outputs): Tensor {
  if (outputs instanceof Tensor) return outputs;
  throw new ShapeError(
    `expected one output, got ${Object.keys(outputs).join(', ')}. Of a layer within a model scope.enter() gives them by name.`,
  );
}

/** Adds the layer's name and path to an error that has none yet. */
function located(error: unknown, name: string, path: string): unknown {
  if (!(error instanceof LanewiseError) || error.layer !== undefined) return error;
  error.layer = path;
  const text = error.message.startsWith(`${name}: `) ? error.message.slice(name.length + 2) : error.message;
  error.message = path === '' ? `${name}: ${text}` : `${name} "${path}": ${text}`;
  return error;
}
