/** What RNN, LSTM and GRU share: the walk over layers and directions, their inputs and their checks. */
import { DTypeError, OptionError, ShapeError, StateError, formatShape } from '../errors.js';
import { checkTensor } from '../graph/operation.js';
import { sameShape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import type { Initializer } from '../init.js';
import { tensor } from '../ops/arguments.js';
import { add, cast, concat, matmul, reshape, slice, transpose } from '../ops/index.js';
import type { RecurrentOptions } from '../ops/recurrent.js';
import { type Rules, boolean, callable, check, checkOptions, count, fraction } from '../options.js';
import { uniformOfFan } from './default-init.js';
import { dropped } from './dropped.js';
import { checkInputCount } from './input-count.js';
import { Layer } from './layer.js';
import { lengthsOf } from './lengths.js';
import type { Scope } from './scope.js';
import { type SequenceInputs, checkSequence, sequenceArguments } from './sequence-inputs.js';

/** First values of the parameters of every recurrent layer and cell. */
export interface RecurrentInits {
  /** First values of each W [I, gates·H]. Default: U(−1/√H, 1/√H), as of the others. */
  readonly weightInit?: Initializer | undefined;
  /**
   * First values of each U [H, gates·H]. orthogonal() takes the gates as one matrix, whose rows become orthonormal, as Keras does: the [H, H] of one
   * gate is not orthogonal by itself. Default: U(−1/√H, 1/√H).
   */
  readonly recurrentInit?: Initializer | undefined;
  /** First values of each bias: [gates·H], gates in the order the layer says, and `recurrentBias` [H] of a GRU. Default: U(−1/√H, 1/√H). */
  readonly biasInit?: Initializer | undefined;
}

export const initRules: Rules<RecurrentInits> = { weightInit: callable, recurrentInit: callable, biasInit: callable };

/** Options that all recurrent layers share. */
export interface SequenceOptions extends RecurrentInits {
  /** Layers on top of each other, each over the outputs of the one below. Default: 1. */
  readonly numLayers?: number | undefined;
  /** Go over the sequence in both directions; the outputs of the backward one follow those of the forward one. Default: false. */
  readonly bidirectional?: boolean | undefined;
  /** Probability of an output to be zeroed on its way to the layer above, in training; with numLayers ≥ 2. Default: 0. */
  readonly dropout?: number | undefined;
  /** Give the outputs of all steps; otherwise the state after the last one. Default: true. */
  readonly returnSequences?: boolean | undefined;
}

export const sequenceRules: Rules<SequenceOptions> = {
  numLayers: count,
  bidirectional: boolean,
  dropout: fraction,
  returnSequences: boolean,
  ...initRules,
};

/** What a sequence layer may be given beside x: by position the lengths, by `apply` the state as well. */
export interface SequenceState {
  /** int32 [N]: how many steps of each row count, 1 … T. Default: all. */
  readonly lengths?: Tensor | undefined;
  /** `[N, L·D, H]`: h before the first step; where states go on that of the first piece, as `apply` says. Default: zeros. */
  readonly h?: Tensor | undefined;
}

/** A recurrent layer over whole sequences: what RNN, LSTM and GRU have in common. */
export abstract class SequenceLayer<Options extends SequenceOptions = SequenceOptions> extends Layer<SequenceInputs> {
  /** @internal */
  protected constructor(
    name: string,
    readonly hiddenSize: number,
    readonly options: Options,
    rules: Rules<Options>,
  ) {
    super();
    check(name, 'hiddenSize', hiddenSize, count);
    this.options = checkOptions(name, options, rules);
    const { dropout = 0, numLayers = 1 } = this.options;
    if (dropout > 0 && numLayers === 1)
      throw new OptionError(
        `${name}: expected numLayers ≥ 2 with dropout, got 1. It lies between the layers: leave it out, or put a Dropout layer behind.`,
      );
  }

  /**
   * Everything there is to know: y [N, T, D·H], and h [N, L·D, H] after the last step, layer by layer, forward before backward. A decoder
   * goes on from the state of an encoder, h, of an LSTM h and c:
   * ```ts
   * const { y: _, ...state } = scope.enter('encoder', this.encoder, (inner) => this.encoder.apply(source, { lengths }, inner));
   * const { y } = scope.enter('decoder', this.decoder, (inner) => this.decoder.apply(target, state, inner));
   * ```
   * Where states go on, in a stream and with `carryState`, a state that is given counts in the first step or batch alone; the layer then goes on from its own. A later
   * call in the same forward goes on from what the one before gave, if that is passed on as it is. Sequences within a step begin anew in each through
   * `scope.apart()`: `apply(characters, {}, scope.apart())`.
   *
   * A state that the model changes or reads between the calls is one it keeps itself, and gives in every call: attention that is asked by the state before each step.
   * Else it would read `first` in every step of a stream, which is refused. One made of such a state counts in every step too, even if it is by way of x.
   * ```ts
   * const before = scope.state('h', [n, hiddenSize], first);
   * let h = before;
   * for (const x of steps) h = scope.call('cell', this.cell, concat([x, this.read(h, memory, scope)], 1), h);
   * scope.keep(before, h);
   * ```
   * @throws OptionError, DTypeError for what is no such state; StateError without a scope, or where states go on, if the layer is bidirectional, a later call does not go on from the one before, or the model reads the states between calls as they come
   */
  abstract apply(x: Tensor, state: SequenceState, scope: Scope): { readonly y: Tensor; readonly h: Tensor };

  forward(...args: [...SequenceInputs, Scope]): Tensor {
    const { x, lengths, scope } = sequenceArguments(this.constructor.name, args);
    const { y, h } = this.apply(x, { lengths }, scope);
    return this.options.returnSequences === false ? lastState(h, this.options.bidirectional) : y;
  }
}

/** What sets one kind of recurrence apart from the others. */
export interface Recurrent {
  readonly name: string;
  readonly hiddenSize: number;
  readonly gates: number;
  /** h, and for an LSTM c. */
  readonly states: readonly string[];
  readonly inits: RecurrentInits;
  /** Runs over g [T, N, gates·H] from the states [N, H]; `bias` asks for further ones. */
  run(
    g: Tensor,
    u: Tensor,
    states: readonly Tensor[],
    options: RecurrentOptions,
    bias: (name: string, shape: readonly number[]) => Tensor,
  ): { readonly y: Tensor; readonly states: readonly Tensor[] };
}

/**
 * What may be given beside x, checked.
 * @throws StateError without a scope; DTypeError if x is no tensor; OptionError for other names, or what is no tensor
 */
export function checkGiven<Given extends object>(
  what: string,
  x: Tensor,
  given: Given,
  names: readonly (keyof Given)[],
  scope: Scope,
): Given {
  checkInputCount(what, [x, scope], [1], 'x');
  checkTensor(what, x, 'x');
  return checkOptions(what, given, Object.fromEntries(names.map((name) => [name, tensor])) as Rules<Given>);
}

/** One direction of one layer: x [T, N, I] → y [T, N, H] and the states [N, H] after the last step. `suffix` tells its parameters apart. */
export function direction(
  cell: Recurrent,
  x: Tensor,
  states: readonly Tensor[],
  options: RecurrentOptions,
  scope: Scope,
  suffix: string,
): { readonly y: Tensor; readonly states: readonly Tensor[] } {
  const { hiddenSize } = cell;
  const width = cell.gates * hiddenSize;
  const init = uniformOfFan(hiddenSize);
  const { weightInit = init, recurrentInit = init, biasInit = init } = cell.inits;
  const w = scope.parameter(`weight${suffix}`, [x.shape[2]!, width], weightInit);
  const u = scope.parameter(`recurrentWeight${suffix}`, [hiddenSize, width], recurrentInit);
  const bias = (name: string, shape: readonly number[]): Tensor => scope.parameter(`${name}${suffix}`, shape, biasInit);
  // One product over all steps: only the recurrent one has to wait for the step before.
  const g = add(matmul(x, w), bias('bias', [width]));
  return cell.run(g, u, states, options, bias);
}

/**
 * All layers and directions: x [N, T, I] → y [N, T, D·H] and the states [N, L·D, H] after the last step, D directions of L layers.
 * Time comes first inside, so that a step is one block of memory: x and y are transposed once.
 */
export function sequence(
  cell: Recurrent,
  x: Tensor,
  { lengths, states }: { readonly lengths: Tensor | undefined; readonly states: readonly (Tensor | undefined)[] },
  { numLayers = 1, bidirectional = false, dropout = 0 }: SequenceOptions,
  own: Scope,
): { readonly y: Tensor; readonly states: readonly Tensor[] } {
  const [n, t] = checkSequence(cell.name, x);
  const scope = own.along(x);
  const suffixes = bidirectional ? ['', 'Reverse'] : [''];
  const depth = numLayers * suffixes.length;
  states.forEach((state, i) => checkState(cell, cell.states[i]!, state, [n, depth, cell.hiddenSize], ' [N, layers · directions, H]'));
  if (bidirectional && scope.carries) {
    throw new StateError(
      `${cell.name}: expected one direction where state is carried from step to step, got a bidirectional layer: its backward half needs the end of the sequence first. Sequences within a step, which begin anew in each, go through scope.apart().`,
    );
  }
  const options = lengths === undefined ? {} : { lengths: lengthsOf(cell.name, lengths, n, t, scope) };
  const finals: (readonly Tensor[])[] = [];
  let rows = swap(cast(x, 'float32'));
  for (let layer = 0; layer < numLayers; layer++) {
    const input = layer === 0 ? rows : dropped(rows, dropout, scope);
    const outputs = suffixes.map((suffix) => {
      const at = finals.length;
      const begin = cell.states.map((name, i) => scope.state(`${name}${at}`, [n, cell.hiddenSize], states[i] && stateAt(states[i], at)));
      const made = direction(cell, input, begin, { ...options, reverse: suffix !== '' }, scope, `${layer}${suffix}`);
      begin.forEach((state, i) => scope.keep(state, made.states[i]!));
      finals.push(made.states);
      return made.y;
    });
    rows = concat(outputs, 2);
  }
  const stacked = cell.states.map((_, i) =>
    concat(
      finals.map((state) => reshape(state[i]!, [n, 1, cell.hiddenSize])),
      1,
    ),
  );
  return { y: swap(rows), states: stacked };
}

/** One step outside a layer: x [N, I] → the states [N, H] after it; as for `sequence` those given are the first. */
export function step(cell: Recurrent, x: Tensor, states: readonly (Tensor | undefined)[], own: Scope): readonly Tensor[] {
  const [n, features] = x.shape;
  if (x.rank !== 2 || features === 0) {
    throw new ShapeError(`${cell.name}: expected x [N, I] with I ≥ 1, got ${formatShape(x.shape)}. Give one step of a sequence at a time.`);
  }
  states.forEach((state, i) => checkState(cell, cell.states[i]!, state, [n!, cell.hiddenSize]));
  const scope = own.along(x);
  const begin = states.map((state, i) => scope.state(cell.states[i]!, [n!, cell.hiddenSize], state));
  const made = direction(cell, reshape(cast(x, 'float32'), [1, n!, features!]), begin, {}, scope, '').states;
  begin.forEach((state, i) => scope.keep(state, made[i]!));
  return made;
}

/** The last layer's state [N, L·D, H] as one row for each sequence: [N, D·H]. */
function lastState(state: Tensor, bidirectional: boolean | undefined): Tensor {
  const [n, depth, h] = state.shape as [number, number, number];
  const directions = bidirectional === true ? 2 : 1;
  return reshape(slice(state, [0, depth - directions, 0], [n, directions, h]), [n, directions * h]);
}

function checkState(cell: Recurrent, name: string, state: Tensor | undefined, expected: readonly number[], letters = ' [N, H]'): void {
  if (state === undefined) return;
  if (!sameShape(state.shape, expected))
    throw new ShapeError(`${cell.name}: expected ${name} of shape ${formatShape(expected)}${letters}, got ${formatShape(state.shape)}.`);
  if (state.dtype !== 'float32')
    throw new DTypeError(`${cell.name}: expected float32 for ${name}, got ${state.dtype}. Use cast(${name}, 'float32').`);
}

/** Of states [N, L·D, H] that of layer and direction `at`: [N, H]. */
function stateAt(state: Tensor, at: number): Tensor {
  const [n, , h] = state.shape as [number, number, number];
  return reshape(slice(state, [0, at, 0], [n, 1, h]), [n, h]);
}

/** [A, B, C] → [B, A, C]; where one of the two is 1 the elements stay where they are. */
function swap(x: Tensor): Tensor {
  const [a, b, c] = x.shape as [number, number, number];
  return a === 1 || b === 1 ? reshape(x, [b, a, c]) : transpose(x, [1, 0, 2]);
}
