// Every operation a layer, loss, optimizer or metric is written in.
export { elu, gelu, leakyRelu, silu } from './activations.js';
export { affineSample, type AffineSampleOptions } from './affine-sample.js';
export type { AxisOptions, ReduceAxisOptions } from './along-axis.js';
export { type AttentionOptions, scaledDotProductAttention } from './attention.js';
export { broadcastTo, sumTo } from './broadcast.js';
export { randomNormal, randomUniform } from './chosen-streams.js';
export {
  conv1d,
  type Conv1dOpOptions,
  conv2d,
  type Conv2dOpOptions,
  convTranspose1d,
  type ConvTranspose1dOpOptions,
  convTranspose2d,
  type ConvTranspose2dOpOptions,
} from './conv.js';
export type { Conv1dGeometry, Conv2dGeometry, ConvTranspose1dGeometry, ConvTranspose2dGeometry, Pair } from './conv-options.js';
export {
  abs,
  add,
  cast,
  clip,
  cos,
  div,
  equal,
  erf,
  exp,
  expm1,
  floor,
  full,
  greater,
  greaterEqual,
  isFinite,
  less,
  lessEqual,
  log,
  log1p,
  maximum,
  minimum,
  mul,
  neg,
  notEqual,
  type Operand,
  pow,
  reciprocal,
  relu,
  round,
  sigmoid,
  sign,
  sin,
  softplus,
  sqrt,
  square,
  sub,
  tanh,
  where,
} from './elementwise.js';
export { type Backward, customGradient } from './custom-gradient.js';
export { gather, gatherRows, oneHot, pick, scatterAddRows } from './gather.js';
export { matmul, type MatmulOptions } from './matmul.js';
export { batchNorm, columnMoments, groupNorm, layerNorm, type Normalized } from './norm.js';
export { avgPool2d, type AvgPoolOptions, maxPool2d, type Pool1dOptions, type PoolOptions } from './pool.js';
export { elman, type ElmanOptions, gru, type GruOpOptions, lstm, type Recurrence, type RecurrentOptions } from './recurrent.js';
export { argmax, argmin, max, mean, min, norm, type ReduceOptions, sum, sumSquares, variance } from './reduce.js';
export { ctc, type CtcOptions } from './ctc.js';
export { crossEntropy, logSoftmax, logSumExp, softmax } from './rows.js';
export { concat, pad, pack, reshape, slice, split, stack, transpose, unstack } from './shape.js';
export { stopGradient } from './stop-gradient.js';
