/** Collects what the layers of one model ask for while its forward is traced. */
import { DTypeError, OptionError, ShapeError, StateError, formatShape } from '../errors.js';
import type { TraceContext } from '../graph/trace-context.js';
import { dependOn } from '../graph/depend.js';
import { label } from '../graph/label.js';
import { apply } from '../graph/operation.js';
import { type NamedTensors, type Outputs, type Parts, oneByName, partsOf, whole } from '../graph/outputs.js';
import { type Shape, checkShape, sameShape } from '../graph/shape.js';
import { Tensor, formatShapeOf } from '../graph/tensor.js';
import type { Initializer } from '../init.js';
import type { Scope } from '../layers/scope.js';
import { isRecord, kindOf } from '../options.js';
import { cast, full, where } from '../ops/elementwise.js';
import { randomNormal, randomUniform } from '../ops/random.js';
import { ReshapeOp, reshape } from '../ops/shape.js';
import { gotReturned, isThenable } from '../returned.js';
import { checkValue } from './check-value.js';
import type { PassedOn } from './first-states.js';
import { classOf, forward, located } from './forward.js';
import { type Alias, type EntryKind, isWithin } from './layout.js';
import { TraceScope } from './trace-scope.js';
import type { AnyLayer, Call, Expectation, Placed, TraceOptions } from './trace.js';
import { unmoved } from './unmoved.js';

/** What all scopes of one trace share. */
export class Tracer {
  readonly assigned = new Map<string, Tensor>();
  readonly kept = new Map<string, Tensor>();
  readonly losses: Tensor[] = [];
  readonly calls: Call[] = [];
  readonly layers = new Map<string, Placed>();
  /** Where layers are called that were met before, with the paths they have. */
  readonly aliases: Alias[] = [];
  readonly expectations: Expectation[] = [];
  readonly passed: PassedOn[] = [];
  /** By path, of layers that were called once. */
  readonly #firsts = new Map<string, Tensor>();
  /** The paths of what was given out. */
  readonly #bufferPaths = new Map<Tensor, string>();
  /** What changes from step to step: inputs that are not given, and carried states. */
  readonly #changing = new Set<Tensor>();
  readonly #states = new Set<string>();
  readonly #stillCalls = new Map<string, string[]>();
  readonly #paths = new Map<AnyLayer, string>();
  /** Layers by all paths they are called at. */
  readonly #named = new Map<string, AnyLayer>();
  readonly #resolved = new Map<string, { kind: EntryKind; tensor: Tensor }>();
  readonly #options: TraceOptions;
  readonly #context: TraceContext;

  constructor(options: TraceOptions, context: TraceContext) {
    this.#options = options;
    this.#context = context;
  }

  /** Whether what lies at a path is in training. */
  trainsAt(path: string): boolean {
    const { training, frozen = [] } = this.#options;
    return training && !frozen.some((root) => isWithin(path, root));
  }

  get carries(): boolean {
    return this.#options.carry !== undefined || this.#context.carries;
  }

  /**
   * Whether states go on from step to step in a layer with these inputs: in a stream only if they change from step to step, or if it is called for each
   * step. Without inputs it is as the scope around it.
   */
  carriesAlong(path: string, inputs: readonly Tensor[], { carries, isApart }: Pick<TraceScope, 'carries' | 'isApart'>): boolean {
    const { given, along } = this.#options.carry ?? {};
    if (isApart || given === undefined || inputs.length === 0) return carries;
    if (along?.has(path) === true || dependOn(inputs, this.#changing)) return true;
    this.#still(path).push(inputs.map(({ shape }) => formatShape(shape.slice(1))).join());
    return false;
  }

  #still(path: string): string[] {
    const known = this.#stillCalls.get(path) ?? [];
    this.#stillCalls.set(path, known);
    return known;
  }

  /** The root, which may have several outputs. */
  run(root: AnyLayer, inputs: readonly Tensor[]): Parts<Tensor> {
    const given = this.#options.carry?.given ?? [];
    for (const x of inputs) if (!dependOn([x], given)) this.#changing.add(x);
    return this.#run('', root, inputs);
  }

  #run(path: string, layer: AnyLayer, inputs: readonly Tensor[], parent?: TraceScope): Parts<Tensor> {
    const body = (scope: Scope): NamedTensors => Object.fromEntries(partsOf(forward(layer, inputs, scope)));
    return Object.entries(this.enter(path, layer, body, { inputs, parent }));
  }

  call(path: string, layer: AnyLayer, given: readonly (Tensor | undefined)[], parent: TraceScope): Outputs {
    checkLayer('scope.call', path, layer);
    const inputs = given.slice(0, given.findLastIndex((input) => input !== undefined) + 1);
    checkInputs(path, inputs);
    return whole(this.#run(path, layer, inputs, parent));
  }

  /** Runs a part of a layer in its scope, under the path it has already or else under this one; `parent` is that of the layer it is called in. */
  enter<Values extends { readonly [Name in keyof Values]: Tensor }>(
    path: string,
    layer: AnyLayer,
    body: (scope: Scope) => Values,
    { inputs, parent }: { readonly inputs?: readonly Tensor[] | undefined; readonly parent?: TraceScope | undefined },
  ): Values {
    checkLayer('scope.enter', path, layer);
    checkBody(path, layer, body);
    const named = this.#named.get(path);
    if (named !== undefined && named !== layer) {
      throw new StateError(
        `scope.call: expected a name of its own for each layer, got "${path}" twice. Give one of the two ${layer.constructor.name} another name.`,
      );
    }
    const owned = this.#paths.get(layer) ?? path;
    this.#paths.set(layer, owned);
    if (owned !== path && named === undefined) this.aliases.push({ again: path, own: owned });
    this.#named.set(path, layer);
    const isApart = parent?.isApart ?? false;
    const carries = this.carriesAlong(owned, inputs ?? [], parent ?? { carries: this.carries, isApart });
    const known = this.layers.get(owned);
    const isFirst = known?.inputs === undefined || (carries && !known.carries);
    this.layers.set(owned, {
      layer,
      inputs: isFirst ? (inputs ?? known?.inputs) : known.inputs,
      carries: carries || known?.carries === true,
      still: this.#still(owned),
    });
    const name = classOf(layer);
    const title = owned === '' ? name : `${name} "${owned}"`;
    if (parent !== undefined) label(inputs ?? [], parent.title);
    try {
      const outputs = body(new TraceScope(this, owned, title, { carries, isApart, parent }));
      checkOutputs(outputs);
      label(Object.values(outputs), title);
      const shapes = Object.entries<Tensor>(outputs).map(([output, { shape }]) => [output, shape] as const);
      if (shapes.length > 0) this.calls.push({ path: owned, layer: name, outputs: shapes });
      return outputs;
    } catch (error) {
      throw located(unscoped(error) ?? endless(error) ?? error, name, owned);
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
    checkValue('scope.assign', `buffer "${path}"`, buffer.shape, value);
    if (!this.trainsAt(path)) return;
    const floats = cast(value, 'float32');
    this.assigned.set(path, floats);
    this.#bufferPaths.set(floats, path);
  }

  /** Whether a state of this path was asked for already. */
  hasState(path: string): boolean {
    return this.#states.has(path);
  }

  /** A state that goes on from step to step, which was `first` before the first one. */
  state(path: string, shape: Shape, first: Tensor | undefined): Tensor {
    const { carry } = this.#options;
    if (carry === undefined) {
      throw new StateError(
        `outputOf: expected a model without states where states go on from step to step, got one with "${path}". Call its layers through the scope.`,
      );
    }
    if (this.hasState(path)) {
      const before = this.kept.get(path);
      if (first !== undefined && before !== undefined && unmoved(first) === unmoved(before)) {
        const begin = this.#firsts.get(path);
        if (begin !== undefined) this.passed.push({ path, first: begin, next: first });
        this.#firsts.delete(path);
        // A tensor of its own, by which it is known.
        return apply(new ReshapeOp(shape), first);
      }
      throw new StateError(
        `scope.state: expected one use of a layer where its state is carried, or calls that pass it on as it is, got "${path}" twice. Use two layers, or keep a state of your own by scope.state() around the calls.`,
      );
    }
    this.#states.add(path);
    const state = carry.state(path, shape);
    this.#changing.add(state);
    if (first === undefined) return state;
    this.#firsts.set(path, first);
    // For each row, as states are: a row of zeros is at its beginning.
    const started = carry.state(`${path}.started`, shape.map((size, i) => (i === 0 ? size : 1))); // prettier-ignore
    this.kept.set(`${path}.started`, full(started.shape, 1));
    return where(started, state, first);
  }

  keep(path: string, state: Tensor, value: Tensor): void {
    checkValue('scope.keep', `"${path}"`, state.shape, value);
    this.kept.set(path, cast(value, 'float32'));
  }

  addLoss(value: unknown, title: string): void {
    if (!(value instanceof Tensor) || value.size !== 1) {
      const got = value instanceof Tensor ? `shape ${formatShapeOf(value)}` : undefined;
      throw new ShapeError(`scope.addLoss: expected one number, ${gotReturned(value, 'Reduce it with mean() or sum().', got)}`);
    }
    const loss = reshape(cast(value, 'float32'), []);
    label([loss], title);
    this.losses.push(loss);
  }

  uniform(shape: Shape): Tensor {
    return randomUniform(shape, this.#context.seed, this.#context.streams++);
  }

  normal(shape: Shape): Tensor {
    return randomNormal(shape, this.#context.seed, this.#context.streams++);
  }
}

/** What layers of this library read of a scope first, as errors of the engines name it. */
const readOfNoScope = /undefined.*\b(parameter|buffer|training|call|carries|expect)\b/;

/** What a layer should have done that called another without a scope, if this is what came of it. */
function unscoped(error: unknown): StateError | undefined {
  if (!(error instanceof TypeError) || !readOfNoScope.test(error.message)) return undefined;
  return new StateError(
    `expected a scope as the last argument of each layer called within, got none (${error.message}). Call it by scope.call('fc', this.fc, x).`,
    { cause: error },
  );
}

/** What is to be said of a layer that calls itself, or of functions that do, if this is what came of it. */
function endless(error: unknown): StateError | undefined {
  if (!(error instanceof RangeError) || !error.message.startsWith('Maximum call stack')) return undefined;
  return new StateError(
    'expected a forward that comes to an end, got one that calls itself again and again. Call another layer, or end it at some size.',
    {
      cause: error,
    },
  );
}

/** @throws OptionError unless it is a layer, not its class or a list. Whether it has a forward is seen when that is called */
function checkLayer(what: string, path: string, layer: unknown): void {
  if (typeof layer === 'object' && layer !== null && !Array.isArray(layer) && !isRecord(layer)) return;
  throw new OptionError(
    `${what}: expected a layer for "${path}", got ${kindOf(layer)}. Make it in a field: readonly body = new Linear(8).`,
  );
}

/** @throws OptionError unless it is a function */
function checkBody(path: string, layer: AnyLayer, body: unknown): void {
  if (typeof body === 'function') return;
  throw new OptionError(
    `scope.enter: expected a function for "${path}", got ${kindOf(body)}. Give what ${layer.constructor.name} is to compute: (inner) => this.layer.apply(x, {}, inner).`,
  );
}

/** @throws DTypeError unless all are tensors */
function checkInputs(path: string, inputs: readonly unknown[]): asserts inputs is readonly Tensor[] {
  const bad = inputs.findIndex((input) => !(input instanceof Tensor));
  if (bad < 0) return;
  throw new DTypeError(
    `scope.call: expected a tensor for input ${bad} of "${path}", ${gotReturned(inputs[bad], oneByName(inputs[bad]) ?? 'Leave out what there is none of.')}`,
  );
}

/** @throws ShapeError unless they are tensors by name */
function checkOutputs(outputs: unknown): void {
  const isNamed = typeof outputs === 'object' && outputs !== null && !(outputs instanceof Tensor) && !isThenable(outputs);
  if (isNamed && Object.values(outputs).every((output) => output instanceof Tensor)) return;
  throw new ShapeError(`scope.enter: expected tensors by name from its body, ${gotReturned(outputs, 'Return { y }.')}`);
}
