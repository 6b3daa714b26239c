/**
 * lanewise: deep-learning training for Node.js.
 * @packageDocumentation
 */
export { array, NdArray, type NestedNumbers, type NestedRows } from './array.js';
export type { NumericArray } from './native.js';
export * from './errors.js';
export { type CpuInfo, cpuInfo, getThreads, setThreads } from './threads.js';

export type { Shape } from './graph/shape.js';
export { type DType, Tensor, type TensorType } from './graph/tensor.js';
export { gradients } from './graph/gradients.js';
export { constant } from './graph/source.js';
export * from './ops/index.js';
export { type Compiled, compile } from './compile/compile.js';
export type { CompileOptions } from './compile/plan.js';
export * from './gradcheck.js';
export type { AnyLayer } from './model/trace.js';

export * from './init.js';
export type { Path } from './paths.js';
export { Philox, type Random } from './random.js';
export * from './ctc/index.js';
export { sampleLogits, type SamplingOptions } from './sampling.js';
export * from './layers/index.js';
export * from './losses/index.js';
export * from './optimizers/index.js';
export * from './schedules/index.js';
export * from './metrics/index.js';

export { Callback, type FitContext, type Snapshot } from './training/callback.js';
export { EarlyStopping, type EarlyStoppingOptions } from './training/early-stopping.js';
export { type EpochRecord, type Figures, History } from './training/history.js';
export type { MonitorOptions } from './training/monitor.js';
export type { Batch, BatchSource, Targets } from './training/batch.js';
export type { EvaluateOptions, FitOptions, ParameterGroup, Progress, TrainStepOptions, TrainerOptions } from './training/options.js';
export { ReduceLROnPlateau, type ReduceLROnPlateauOptions } from './training/reduce-lr-on-plateau.js';
export { SaveBest } from './training/save-best.js';
export { Trainer } from './training/trainer.js';
export type { Inputs } from './model/data.js';
export type { NamedTensors, Outputs } from './graph/outputs.js';
export type { Stream, StreamOptions } from './model/stream.js';
export type { LayerSummary, Summary } from './model/summary.js';
export type { UnsharedWeights, WeightOptions } from './model/weights.js';

export * from './explain/index.js';
export * from './data/index.js';
export * from './persistence/index.js';
export * from './pytorch/index.js';
