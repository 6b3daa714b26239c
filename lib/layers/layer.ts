import type { NdArray } from '../array.js';
import { ShapeError } from '../errors.js';
import type { Outputs } from '../graph/outputs.js';
import type { Shape } from '../graph/shape.js';
import type { DType, Tensor } from '../graph/tensor.js';
import { type Inputs, inputList } from '../model/data.js';
import { loadModel, saveModel } from '../model/file.js';
import { Model } from '../model/model.js';
import { outputOf } from '../model/output-of.js';
import { Stream, type StreamOptions } from '../model/stream.js';
import { type Summary, summarize } from '../model/summary.js';
import type { UnsharedWeights, WeightOptions } from '../model/weights.js';
import { type Rule, checkOptions, show } from '../options.js';
import { type Path, pathOf } from '../paths.js';
import type { Scope } from './scope.js';

const dtypes: readonly unknown[] = ['float32', 'int32', 'uint8'] satisfies readonly DType[];
const dtypeList: Rule = {
  expected: "a list of 'float32', 'int32' or 'uint8'",
  accepts: (value) => Array.isArray(value) && value.every((one) => dtypes.includes(one)),
};

/** @throws ShapeError unless it is a list of sizes, or one for each input */
function rowShapes(given: unknown): readonly Shape[] {
  if (Array.isArray(given) && given.every((size) => typeof size === 'number')) return [given];
  if (Array.isArray(given) && given.every((shape) => Array.isArray(shape))) return given;
  throw new ShapeError(
    `build: expected a list of sizes, or one such list for each input, got ${show(given)}. Give the shape of a row, without the batch dimension: build([28, 28, 1]).`,
  );
}

/** Arrays for the outputs of a model: one, or one for each by name. */
export type ArraysOf<Output extends Outputs> = Output extends Tensor
  ? NdArray<Float32Array>
  : { readonly [Name in keyof Output]: NdArray<Float32Array> };

/** Options of {@link Layer.predict} and {@link Layer.predictSync}. */
export interface PredictOptions {
  /** Rows computed at once. Default: 256. */
  readonly batchSize?: number | undefined;
  /** Ends the prediction with the signal's reason, within a batch. Not for `predictSync`, which nothing can interrupt. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link Layer.outputOf}. */
export interface OutputOptions {
  /**
   * Dropout drops, drawn anew in each run, and BatchNorm takes the statistics of the batch; its running ones stay as they are, and what layers add to a loss
   * (`scope.addLoss`) is left out. Holds wherever the output is used, in `evaluate` too. Default: false.
   */
  readonly training?: boolean | undefined;
}

/** Options of {@link Layer.build}. */
export interface BuildOptions {
  /** Element type of each input: ids are int32. Default: float32. */
  readonly dtypes?: readonly DType[] | undefined;
}

/**
 * A part of a model: its options and one `forward`. It holds no data; parameters are asked of the scope by name, with their
 * shape taken from the input, so input sizes are never declared. Concrete layers are final: vary by wrapping. Options and lists are copied, so
 * what a caller makes of their own later changes nothing.
 *
 * Layers compose by calling each other through the scope:
 * ```ts
 * class Residual extends Layer {
 *   readonly body = new Linear(64);
 *   forward(x: Tensor, scope: Scope): Tensor { return add(x, scope.call('body', this.body, x)); }
 * }
 * ```
 * Any layer can be the root of a model: a trainer trains it, and `predict`, `weights`, `save`, … are of it and all below it. A layer has its parameters once,
 * made when the size of its input is first seen, and has them in every model that it is a part of: the encoder of a trained autoencoder is trained
 * (`encoder.predict`), and so it is in `new Sequential({ encoder, head: new Linear(5) })`, whose training goes on with it, unless it is `frozen`. Models that are to share
 * nothing, such as those of an ensemble, need layers of their own: make them in a function, and give a copy the weights by `copy.build(shape).setWeights(model.weights())`.
 *
 * Models that share layers are trained in turns: by steps, or one fit after the other. Two may train at once if neither changes the memory of what the other changes; what was built
 * first by itself has one of its own, so build a body before the models that train heads on it at once. A GAN is a discriminator, and a model of the generator before the frozen
 * discriminator, with a trainer each; two tasks on one body may also be one model with two outputs.
 */
export abstract class Layer<LayerInputs extends readonly Tensor[] = [Tensor], Output extends Outputs = Tensor> {
  /** Seed of the first weights, and of dropout and shuffling unless the trainer has its own, when this layer is the root. Default: 0. */
  readonly seed?: number | bigint | undefined;
  #model: Model | undefined;

  /**
   * The output for the inputs, in operations. Called once for each input shape and mode, never per step: numbers around it are read then, as constants. The first time
   * it is called with one row, to learn which parameters there are.
   */
  abstract forward(...args: [...inputs: LayerInputs, scope: Scope]): Output;

  /**
   * Whether the output at one step of a sequence x [N, T, …] depends on other steps, and no state tells of them: `stream()` refuses such layers.
   * Given the shape of x, [] if it is not known. Default: false.
   */
  looksAlongTime(_shape: Shape): boolean {
    return false;
  }

  /** @internal */
  get model(): Model {
    return (this.#model ??= new Model(this));
  }

  /**
   * Makes the parameters for input rows of this shape (without the batch dimension), or of these shapes. fit and predict do it by themselves.
   * @throws ShapeError for what are no sizes
   */
  build(rowShape: Shape | readonly Shape[], options: BuildOptions = {}): this {
    checkOptions('build', options, { dtypes: dtypeList });
    this.model.build(rowShapes(rowShape).map((shape, i) => ({ shape, dtype: options.dtypes?.[i] ?? 'float32' })));
    this.model.fill();
    this.model.settle();
    return this;
  }

  /** Copies of all parameters and running state, by path: 'features.3.weight'. */
  weights(): Map<string, NdArray<Float32Array>> {
    return this.model.weights();
  }

  /**
   * Sets all parameters and running state, or, if anything does not fit, none. Of a model not built yet they are kept until it is,
   * by a call that refuses those that do not fit, each time until others are set; its parts have them from then on, but for those whose memory was set or trained in other models since.
   * With `strict: false` those whose path this model has are set, one at least, and the others stay as they are.
   * @returns the paths that only the model or only the weights have, none if strict; undefined for a model not built yet, whose paths are not known
   * @throws StateError, ShapeError, DTypeError if they are not those of this architecture, StateError inside fit
   */
  setWeights(weights: ReadonlyMap<string, NdArray>, options: WeightOptions = {}): UnsharedWeights | undefined {
    return this.model.setWeights(weights, options);
  }

  /**
   * The outputs for all rows, in evaluation mode, off the event loop: all with the weights there are as it begins, whatever trains or sets them
   * meanwhile. Within a fit they are those of some finished step. More than 4 MiB of x are copied while the event loop goes on: leave them as they are
   * until the outputs are there.
   */
  async predict(x: Inputs, options: PredictOptions = {}): Promise<ArraysOf<Output>> {
    return (await this.model.predictor.predict(inputList(x), options)) as ArraysOf<Output>;
  }

  /**
   * What predict gives, on this thread, so that the event loop waits: for a few rows of a small model, where a promise takes longer than the work. It may
   * be called while predict or a fit is under way.
   */
  predictSync(x: Inputs, options: Omit<PredictOptions, 'signal'> = {}): ArraysOf<Output> {
    return this.model.predictor.predictSync(inputList(x), options) as ArraysOf<Output>;
  }

  /**
   * The output for tensors: in a function, a loss or the forward of another model. In evaluation mode unless asked for otherwise, with this model's weights as they are
   * when that runs; they are constants there, in a loss of this very model too, but gradients reach the inputs. What is to train them, such as a penalty on the slope of a critic,
   * goes into `forward` by `scope.call`. The model must be built, or a model it is a part of; one with states, such as a recurrent one,
   * is refused where states go on from step to step.
   * ```ts
   * const slope = compile((x: Tensor) => gradients(sum(model.outputOf(x)), [x])[0]!);
   * class Fooled extends Loss { // trains a generator
   *   forward(fakes: Tensor): Tensor { return mean(softplus(neg(discriminator.outputOf(fakes)))); }
   * }
   * ```
   * With `{ training: true }` after the inputs it is in training mode: a discriminator with BatchNorm in the loss of its generator, or many draws of
   * dropout for how sure a model is: `compile((x: Tensor) => model.outputOf(x, { training: true }))`.
   * @throws StateError if the model was never built; ShapeError and DTypeError if the inputs do not fit; OptionError
   */
  outputOf(...args: [...inputs: LayerInputs, options?: OutputOptions]): Output {
    return outputOf(this.model, args) as Output;
  }

  /**
   * Feeds a model of sequences [N, T, …] one step at a time, the state going on: for generation and live data. The model must be built.
   * For single rows of other models there is predictSync.
   */
  stream(options: StreamOptions = {}): Stream {
    return new Stream(this.model, options);
  }

  /** Writes all parameters as a safetensors file, in one piece or not at all. @throws FileError; the old file is then still there */
  async save(path: Path): Promise<void> {
    await saveModel(this.model, pathOf('save', 'path', path));
  }

  /**
   * Reads what save wrote, here or of a trainer, which builds a model not built yet for the inputs it was saved with. With `strict: false`
   * it is as `setWeights` with the weights of the file, and builds nothing: the file's inputs may be those of another model. What a file
   * has and the model has not, or the other way round, is told by setWeights:
   * `const { tensors } = await readSafetensors(path); model.setWeights(tensors, { strict: false })`.
   *
   * Of several loads the one called last stays; weights set or trained after the call stay too, and the load fails.
   * @returns this model
   * @throws FileError, StateError, ShapeError, DTypeError; the weights are then what they were
   */
  async load(path: Path, options: WeightOptions = {}): Promise<this> {
    await loadModel(this.model, pathOf('load', 'path', path), options);
    return this;
  }

  /**
   * Layers, output shapes, parameters, FLOPs and memory. The model must be built.
   * @param rows of a batch. Default: 1, or those it was built for where rows meet.
   */
  summary(rows?: number): Summary {
    return summarize(this.model, rows);
  }
}
