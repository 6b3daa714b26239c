/** What a layer asks of the model around it, under its own path. */
import { OptionError, StateError } from '../errors.js';
import { dependOn } from '../graph/depend.js';
import { label } from '../graph/label.js';
import type { Outputs } from '../graph/outputs.js';
import type { Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import type { Initializer } from '../init.js';
import type { Layer } from '../layers/layer.js';
import type { InputsOf, ParameterOptions, Scope } from '../layers/scope.js';
import { cast, full } from '../ops/elementwise.js';
import { kindOf } from '../options.js';
import { checkValue } from './check-value.js';
import { pathBelow } from './layout.js';
import type { Tracer } from './tracer.js';

export interface TraceScopeOptions {
  readonly carries: boolean;
  readonly isApart: boolean;
  readonly parent: TraceScope | undefined;
}

export class TraceScope implements Scope {
  readonly #tracer: Tracer;
  readonly path: string;
  readonly carries: boolean;
  /** The layer as messages call it. */
  readonly title: string;
  /** Names of its parameters and buffers. */
  readonly #names: Set<string>;
  /** What was given out as states, with their paths; those that layers around keep have none. */
  readonly #states: Map<Tensor, string | undefined>;
  /** The scope of the layer that calls this one. */
  readonly #parent: TraceScope | undefined;
  /** States go on in nothing that is called in it, whatever its inputs. */
  readonly isApart: boolean;

  /** @param same the scope of the same call of the layer that this one shares all else with. Default: none. */
  constructor(tracer: Tracer, path: string, title: string, { carries, isApart, parent }: TraceScopeOptions, same?: TraceScope) {
    this.#tracer = tracer;
    this.path = path;
    this.title = title;
    this.carries = carries;
    this.isApart = isApart;
    this.#parent = parent;
    this.#names = same === undefined ? new Set() : same.#names;
    this.#states = same === undefined ? new Map<Tensor, string | undefined>() : same.#states;
  }

  get training(): boolean {
    return this.#tracer.trainsAt(this.path);
  }

  parameter(name: string, shape: Shape, init: Initializer, { lazy = false }: ParameterOptions = {}): Tensor {
    this.#checkNew(name, init);
    return this.#tracer.resolve('parameter', this.#child(name), shape, init, lazy);
  }

  buffer(name: string, shape: Shape, init: Initializer): Tensor {
    this.#checkNew(name, init);
    return this.#tracer.resolve('buffer', this.#child(name), shape, init);
  }

  assign(buffer: Tensor, value: Tensor): void {
    this.#tracer.assign(buffer, value);
    label([value], this.title);
  }

  uniform(shape: Shape): Tensor {
    return this.#tracer.uniform(shape);
  }

  normal(shape: Shape): Tensor {
    return this.#tracer.normal(shape);
  }

  call<L extends Layer<never, Outputs>>(name: string, layer: L, ...inputs: InputsOf<L>): ReturnType<L['forward']> {
    return this.#tracer.call(this.#child(name), layer, inputs, this) as ReturnType<L['forward']>;
  }

  enter<Values extends { readonly [Name in keyof Values]: Tensor }>(
    name: string,
    layer: Layer<never, Outputs>,
    body: (scope: Scope) => Values,
  ): Values {
    return this.#tracer.enter(this.#child(name), layer, body, { parent: this });
  }

  addLoss(value: Tensor): void {
    this.#tracer.addLoss(value, this.title);
  }

  along(x: Tensor): Scope {
    return this.#with(this.#tracer.carriesAlong(this.path, [x], this), this.isApart);
  }

  apart(): Scope {
    return this.#with(false, true);
  }

  #with(carries: boolean, isApart: boolean): TraceScope {
    if (carries === this.carries && isApart === this.isApart) return this;
    return new TraceScope(this.#tracer, this.path, this.title, { carries, isApart, parent: this.#parent }, this);
  }

  state(name: string, shape: Shape, first?: Tensor): Tensor {
    const path = this.#child(name);
    if (first !== undefined) checkValue('scope.state', `the first "${path}"`, shape, first);
    const floats = first && cast(first, 'float32');
    if (!this.carries) return floats ?? full(shape, 0);
    // A later call of this layer goes on from the one before, whatever its input is made of.
    const keptByParent = floats !== undefined && !this.#tracer.hasState(path) && this.#parent?.gaveAnyOf(floats) === true;
    const state = keptByParent ? floats : this.#tracer.state(path, shape, floats);
    this.#states.set(state, keptByParent ? undefined : path);
    return state;
  }

  /** Whether x is made of a state of this layer, or of one around it. */
  gaveAnyOf(x: Tensor): boolean {
    return dependOn([x], this.#states.keys()) || this.#parent?.gaveAnyOf(x) === true;
  }

  keep(state: Tensor, value: Tensor): void {
    if (!this.carries) return;
    if (!this.#states.has(state))
      throw new StateError('scope.keep: expected a tensor that state() of this scope gave, got another. Keep the result of scope.state().');
    const path = this.#states.get(state);
    if (path !== undefined) this.#tracer.keep(path, state, value);
  }

  expect(x: Tensor, least: number, most: number): void {
    this.#tracer.expectations.push({ tensor: x, layer: this.title, least, most });
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
      const [, first, rest] = /^'([^.]+)\.(.+)'$/.exec(got) ?? [];
      const advice = rest === undefined ? '' : ` Call '${first}', a Sequential or a layer of your own, which has '${rest}' in it.`;
      throw new OptionError(`scope: expected a name that is not empty and without dots, got ${got}.${advice}`);
    }
    return pathBelow(this.path, name);
  }
}
