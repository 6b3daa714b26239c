/** Collects what the layers of one model ask for while its forward is traced. */
import { DTypeError, OptionError, ShapeError, StateError, formatShape } from '../errors.js';
import type { Around } from '../graph/around.js';
import { label } from '../graph/label.js';
import { type NamedTensors, type Parts, partsOf } from '../graph/outputs.js';
import { type Shape, Tensor, checkShape, formatShapeOf, sameShape } from '../graph/tensor.js';
import type { Initializer } from '../init.js';
import type { Scope } from '../layers/scope.js';
import { kindOf } from '../options.js';
import { cast, full } from '../ops/elementwise.js';
import { randomNormal, randomUniform } from '../ops/random.js';
import { reshape } from '../ops/shape.js';
import { forward, located, single } from './forward.js';
import { type EntryKind, isWithin } from './layout.js';
import { TraceScope } from './trace-scope.js';
import type { AnyLayer, Call, Expectation, Placed, TraceOptions } from './trace.js';

/** What all scopes of one trace share. */
export class Tracer {
  readonly assigned = new Map<string, Tensor>();
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

  call(path: string, layer: AnyLayer, given: readonly (Tensor | undefined)[]): Tensor {
    checkLayer('scope.call', path, layer);
    const inputs = given.slice(0, given.findLastIndex((input) => input !== undefined) + 1);
    checkInputs(path, inputs);
    return this.enter(path, layer, (scope) => ({ output: single(forward(layer, inputs, scope)) }), inputs).output;
  }

  /** Runs a part of a layer in its scope, under the path it has already or else under this one. */
  enter<Values extends NamedTensors>(path: string, layer: AnyLayer, body: (scope: Scope) => Values, inputs?: readonly Tensor[]): Values {
    checkLayer('scope.enter', path, layer);
    const owned = this.#paths.get(layer) ?? path;
    const owner = this.layers.get(owned)?.layer;
    if (owner !== undefined && owner !== layer) {
      throw new StateError(
        `scope.call: expected a name of its own for each layer, got "${owned}" twice. Give one of the two ${layer.constructor.name} another name.`,
      );
    }
    this.#paths.set(layer, owned);
    this.layers.set(owned, { layer, inputs: this.layers.get(owned)?.inputs ?? inputs });
    const name = layer.constructor.name;
    const title = owned === '' ? name : `${name} "${owned}"`;
    try {
      const outputs = body(new TraceScope(this, owned, title));
      checkOutputs(outputs);
      label(Object.values(outputs), title);
      const shapes = Object.entries(outputs).map(([output, { shape }]) => [output, shape] as const);
      if (shapes.length > 0) this.calls.push({ path: owned, layer: name, outputs: shapes });
      return outputs;
    } catch (error) {
      throw located(error, name, owned);
    }
  }

  resolve(kind: EntryKind, path: string, shape: Shape, init: Initializer, lazy = false): Tensor {
    checkShape(shape, `${kind} "${path}"`);
    // What an earlier call of the same layer left: each moves the running statistics on.
    const moved = kind === 'buffer' ? this.assigned.get(path) : undefined;
    if (moved !== undefined && sameShape(moved.shape, shape)) return moved;
    // One tensor a name, so that the gradients of every use of a shared parameter add up.
    const known = this.#resolved.get(path);
    if (known !== undefined && known.kind === kind && sameShape(known.tensor.shape, shape)) return known.tensor;
    const tensor = this.#options.resolve(kind, path, shape, init, lazy);
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
    checkValue('scope.assign', `buffer "${path}"`, buffer, value);
    if (!this.trainsAt(path)) return;
    const floats = cast(value, 'float32');
    this.assigned.set(path, floats);
    this.#bufferPaths.set(floats, path);
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
    checkValue('scope.keep', `"${path}"`, state, value);
    this.kept.set(path, cast(value, 'float32'));
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

/** @throws OptionError unless it is a layer, not its class or a list */
function checkLayer(what: string, path: string, layer: unknown): void {
  if (typeof layer === 'object' && layer !== null && 'forward' in layer) return;
  throw new OptionError(
    `${what}: expected a layer for "${path}", got ${kindOf(layer)}. Make it in a field: readonly body = new Linear(8).`,
  );
}

/** @throws DTypeError unless all are tensors */
function checkInputs(path: string, inputs: readonly unknown[]): asserts inputs is readonly Tensor[] {
  const bad = inputs.findIndex((input) => !(input instanceof Tensor));
  if (bad < 0) return;
  throw new DTypeError(
    `scope.call: expected a tensor for input ${bad} of "${path}", got ${kindOf(inputs[bad])}. Leave out what there is none of.`,
  );
}

/** @throws ShapeError unless they are tensors by name */
function checkOutputs(outputs: unknown): void {
  const isNamed = typeof outputs === 'object' && outputs !== null && !(outputs instanceof Tensor);
  if (isNamed && Object.values(outputs).every((output) => output instanceof Tensor)) return;
  throw new ShapeError(`scope.enter: expected tensors by name from its body, got ${kindOf(outputs)}. Return { y }.`);
}

/** @throws ShapeError, DTypeError unless it is a tensor like the one whose place it takes */
function checkValue(what: string, name: string, { shape }: Tensor, value: unknown): asserts value is Tensor {
  if (!(value instanceof Tensor)) throw new DTypeError(`${what}: expected a tensor for ${name}, got ${kindOf(value)}.`);
  if (!sameShape(shape, value.shape))
    throw new ShapeError(`${what}: expected a value of shape ${formatShape(shape)} for ${name}, got ${formatShape(value.shape)}.`);
}
