/** Collects what the layers of one model ask for while its forward is traced. */
import { ShapeError, StateError } from '../errors.js';
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

  call(path: string, layer: AnyLayer, inputs: readonly Tensor[]): Tensor {
    return this.enter(path, layer, (scope) => ({ output: single(forward(layer, inputs, scope)) }), inputs).output;
  }

  /** Runs a part of a layer in its scope, under the path it has already or else under this one. */
  enter<Values extends NamedTensors>(path: string, layer: AnyLayer, body: (scope: Scope) => Values, inputs?: readonly Tensor[]): Values {
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
      const tensors = Object.values(outputs);
      label(tensors, title);
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
