import type { Outputs } from '../graph/outputs.js';
import type { Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import type { Initializer } from '../init.js';
import type { Layer } from './layer.js';

/** Options of {@link Scope.parameter}. */
export interface ParameterOptions {
  /**
   * A table of rows: those no id of a batch points at keep their values and their state in the optimizer, whatever its rule would do
   * without a gradient. What is used in any other way than by gathered rows is updated everywhere. Default: false.
   */
  readonly lazy?: boolean | undefined;
}

/** What the forward of a layer takes before the scope, which it may leave out. */
export type InputsOf<L extends Layer<never, Outputs>> =
  Parameters<L['forward']> extends readonly [...infer Inputs extends readonly Tensor[], Scope]
    ? Inputs
    : Parameters<L['forward']> extends readonly Tensor[]
      ? Parameters<L['forward']>
      : never;

/** What a layer may ask of the model around it while its forward is traced. */
export interface Scope {
  /** True while a training step is traced, but in layers the trainer has frozen; false for evaluation and prediction. */
  readonly training: boolean;
  /** Path of this layer in the model: 'features.3'; '' for the root. */
  readonly path: string;
  /** A trained array, made by `init` the first time. Names are unique within a layer. */
  parameter(name: string, shape: Shape, init: Initializer, options?: ParameterOptions): Tensor;
  /** An array that belongs to the model but is not trained: running statistics, a count of steps. */
  buffer(name: string, shape: Shape, init: Initializer): Tensor;
  /** The value the buffer has after this step. Ignored unless training. */
  assign(buffer: Tensor, value: Tensor): void;
  /** Uniform numbers in [0, 1), new at every step of a training. In predictions they depend on the model's seed and the batch alone: the same in every call. */
  uniform(shape: Shape): Tensor;
  /** Standard normal numbers, likewise: noise on inputs, samples of an autoencoder. */
  normal(shape: Shape): Tensor;
  /**
   * The output of another layer under `name`, or its outputs by name: `const { mu, logvar } = scope.call('encoder', this.encoder, x)`. The same layer
   * object called twice shares its parameters.
   */
  call<L extends Layer<never, Outputs>>(name: string, layer: L, ...inputs: InputsOf<L>): ReturnType<L['forward']>;
  /**
   * What `body` computes in the scope of another layer under `name`: for layers with more to give than their forward does. Used by itself, that
   * layer has its weights there at once, and the sizes of its first `predict` or `build`.
   */
  enter<Values extends { readonly [Name in keyof Values]: Tensor }>(
    name: string,
    layer: Layer<never, Outputs>,
    body: (scope: Scope) => Values,
  ): Values;
  /**
   * Says that x holds whole numbers `least` … `most`: ids, lengths. Where x is an input of the model, `fit` and `evaluate` look at the data before
   * they begin; an operation that takes x must check it nonetheless.
   */
  expect(x: Tensor, least: number, most: number): void;
  /**
   * Adds one number to the loss of the model, in training and evaluation: the divergence of an autoencoder's code from its prior, a gradient penalty, an
   * auxiliary loss. In the mean over batches it counts all elements of the targets alike. Ignored in prediction.
   */
  addLoss(value: Tensor): void;
  /**
   * True where states go on from step to step: in a stream, and in a fit or evaluation with `carryState`. False in a layer of a stream whose inputs
   * are the same in every step, made of `given` ones alone, which is computed anew in each as in `predict`, unless it is called for each step or on as many; and in what is set `apart`.
   */
  readonly carries: boolean;
  /** This scope as it is for what is made of x: a layer that is entered does not tell its inputs, by which `carries` is known. */
  along(x: Tensor): Scope;
  /**
   * This scope where no states go on, neither in this layer nor in those called through it: for sequences that lie within a step and begin anew in each,
   * such as the characters of a word, also in both directions. The sequence that is fed would begin
   * anew in each step or batch too.
   * ```ts
   * const words = scope.apart().call('characters', this.characters, characters); // [N·T, K, C] → [N·T, H]
   * return scope.call('words', this.words, reshape(words, [n, t, h]));
   * ```
   */
  apart(): Scope;
  /**
   * What `keep` left here in the step before; at first, and wherever states are not carried, `first`. Gradients stop at what was left. Where `first` is made of a state
   * that a layer around keeps, it is the state in every step; where it is what was kept in this step, by an earlier call of this layer, the state goes on from there.
   * @param first of shape `shape`. Default: zeros.
   */
  state(name: string, shape: Shape, first?: Tensor): Tensor;
  /** The value the state has in the next step. Ignored where states are not carried. */
  keep(state: Tensor, value: Tensor): void;
}
