/** What was checked is what is used: options and lists may be changed once something has been made of them. */
import assert from 'node:assert/strict';
import * as lw from '../lib/index.js';

/** Marks an object that is changed as soon as something has been made of it. */
type Given = <const T extends object>(value: T) => T;
/** Makes something of what is given; what that does, called after the change. */
type Case = (given: Given) => () => unknown;

/** Overwrites all entries, and those of the lists and objects among them. */
function spoil(of: object): void {
  for (const [name, value] of Object.entries(of) as [string, unknown][]) {
    const isList = Array.isArray(value) || value instanceof Float32Array;
    if (isList || (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype)) spoil(value);
    Reflect.set(of, name, of instanceof Float32Array ? NaN : 'changed');
  }
}

function rows(shape: readonly number[]): lw.NdArray {
  const size = shape.reduce((a, b) => a * b);
  return lw.array(
    Float32Array.from({ length: size }, (_, i) => Math.sin(i)),
    shape,
  );
}
const [images, sequences, vectors] = [rows([4, 4, 6, 4]), rows([4, 6, 4]), rows([4, 6])];
const ids = lw.array(Int32Array.of(0, 1, 2, 3, 1, 0, 3, 2), [4, 2]);
const classes = lw.array(Int32Array.of(0, 1, 2, 1), [4]);
const answers = lw.array(Float32Array.of(0, 1, 1, NaN), [4, 1]);

/** Figures and predictions of a fit. */
async function fitted(trainer: lw.Trainer, model: lw.Layer, x: lw.NdArray, y: lw.NdArray, options: lw.FitOptions = {}): Promise<unknown> {
  const { epochs } = await trainer.fit({ x, y }, { epochs: 2, ...options });
  return [epochs.map((record) => ({ ...record, seconds: 0 })), await trainer.evaluate({ x, y }), model.predictSync(x)];
}

const sgd = (): lw.Optimizer => new lw.SGD({ lr: 0.1 });

async function learnt(model: lw.Layer, x: lw.NdArray, y: lw.NdArray, options: object = {}, fit: lw.FitOptions = {}): Promise<unknown> {
  const trainer = new lw.Trainer(model, { loss: new lw.MSELoss(), optimizer: sgd(), ...options });
  return fitted(trainer, model, x, y, fit);
}

const layer = (made: lw.Layer, x: lw.NdArray) => () =>
  learnt(new lw.Sequential([made, new lw.Flatten(), new lw.Linear(1)]), x, rows([x.shape[0]!, 1]));
const optimizer = (made: lw.Optimizer) => () => learnt(new lw.Linear(1), vectors, rows([4, 1]), { optimizer: made });
const loss = (made: lw.Loss, width: number, y: lw.NdArray) => () => learnt(new lw.Linear(width), vectors, y, { loss: made });
const metric = (made: lw.Metric, width: number, y: lw.NdArray) => () =>
  learnt(new lw.Linear(width), vectors, y, {
    loss: width === 1 ? new lw.BCEWithLogitsLoss({ ignoreNaN: true }) : new lw.CrossEntropyLoss(),
    metrics: [made],
  });
const schedule = (made: lw.StepSchedule) => () => [0, 1, 5, 20].map(made);
const augmentation = (made: lw.Augmentation) => () =>
  learnt(new lw.Sequential([new lw.GlobalAvgPool2d(), new lw.Linear(1)]), images, rows([4, 1]), {}, { augment: [made] });

class Looking extends lw.Layer {
  constructor(readonly attention: lw.CrossAttention) {
    super();
  }
  forward(x: lw.Tensor, scope: lw.Scope): lw.Tensor {
    return scope.call('attention', this.attention, x, x);
  }
}

/** A fit of two layers with these options. */
const trainer =
  (options: (given: Given) => Partial<lw.TrainerOptions>): Case =>
  (given) => {
    const model = new lw.Sequential([new lw.Linear(2), new lw.Linear(1)]);
    const made = new lw.Trainer(model, given({ loss: new lw.MSELoss(), optimizer: sgd(), ...options(given) }));
    return () => fitted(made, model, vectors, rows([4, 1]));
  };

const window = { stride: [1, 2], padding: [1, 0] } as const;
const init: lw.Initializer = (shape) => Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.cos(i));

const cases: Readonly<Record<string, Case>> = {
  AvgPool1d: (given) => layer(new lw.AvgPool1d(2, given({ stride: 1, padding: 1, countPadding: false })), sequences),
  AvgPool2d: (given) => layer(new lw.AvgPool2d(given([2, 1]), given({ stride: given([1, 2]), padding: given([1, 0]) })), images),
  AdaptiveAvgPool2d: (given) => layer(new lw.AdaptiveAvgPool2d(given([2, 1])), images),
  BatchNorm: (given) => layer(new lw.BatchNorm(given({ momentum: 0.5, eps: 0.1, affine: false })), vectors),
  Conv1d: (given) => layer(new lw.Conv1d(2, 3, given({ padding: 'causal', groups: 2, bias: false, weightInit: init })), sequences),
  Conv2d: (given) => layer(new lw.Conv2d(2, given([2, 1]), given({ ...structuredClone(window), groups: 2, bias: false })), images),
  ConvTranspose1d: (given) =>
    layer(new lw.ConvTranspose1d(2, 2, given({ stride: 2, padding: 1, outputPadding: 1, dilation: 2, groups: 2, bias: true })), sequences),
  ConvTranspose2d: (given) => layer(new lw.ConvTranspose2d(2, given([2, 1]), given({ ...structuredClone(window), groups: 2 })), images),
  CrossAttention: (given) => layer(new Looking(new lw.CrossAttention(2, given({ dropout: 0.5, bias: false }))), sequences),
  DepthwiseConv2d: (given) =>
    layer(new lw.DepthwiseConv2d(given([2, 1]), given({ ...structuredClone(window), depthMultiplier: 2 })), images),
  ELU: (given) => layer(new lw.ELU(given({ alpha: 2 })), vectors),
  Embedding: (given) => layer(new lw.Embedding(4, 2, given({ paddingIndex: 1, sparse: true, weightInit: init })), ids),
  Flatten: (given) => layer(new lw.Flatten(given({ startDim: 2, endDim: 3 })), images),
  GELU: (given) => layer(new lw.GELU(given({ approximate: 'tanh' })), vectors),
  GroupNorm: (given) => layer(new lw.GroupNorm(2, given({ eps: 0.1, affine: false })), images),
  GRU: (given) => layer(new lw.GRU(2, given({ resetAfter: false, numLayers: 2, dropout: 0.5 })), sequences),
  GRUCell: (given) => layer(new lw.GRUCell(2, given({ resetAfter: false })), vectors),
  InstanceNorm: (given) => layer(new lw.InstanceNorm(given({ eps: 0.1, affine: true })), images),
  LayerNorm: (given) => layer(new lw.LayerNorm(given({ normalizedShape: given([6, 4]), eps: 0.1 })), images),
  LeakyReLU: (given) => layer(new lw.LeakyReLU(given({ negativeSlope: 0.5 })), vectors),
  Linear: (given) => layer(new lw.Linear(2, given({ bias: true, weightInit: init, biasInit: init })), vectors),
  LogSoftmax: (given) => layer(new lw.LogSoftmax(given({ dim: 1 })), images),
  LSTM: (given) => layer(new lw.LSTM(2, given({ bidirectional: true, returnSequences: false })), sequences),
  MaxPool1d: (given) => layer(new lw.MaxPool1d(2, given({ stride: 1, padding: 1 })), sequences),
  MaxPool2d: (given) => layer(new lw.MaxPool2d(given([2, 1]), given(structuredClone(window))), images),
  MultiHeadAttention: (given) =>
    layer(new lw.MultiHeadAttention(2, given({ causal: true, context: 2, dropout: 0.5, bias: false })), sequences),
  Normalize: (given) => layer(new lw.Normalize(given({ mean: given([1, 2, 3, 4]), std: given([1, 2, 3, 4]) })), images),
  Pad: (given) => layer(new lw.Pad(given([1, 0, 2, 0]), given({ value: 2 })), images),
  PositionEmbedding: (given) => layer(new lw.PositionEmbedding(8, given({ weightInit: init })), sequences),
  PReLU: (given) => layer(new lw.PReLU(given({ perChannel: true, init: 0.5 })), vectors),
  Reshape: (given) => layer(new lw.Reshape(given([3, -1])), vectors),
  RMSNorm: (given) => layer(new lw.RMSNorm(given({ eps: 0.1, affine: false })), vectors),
  RNN: (given) => layer(new lw.RNN(2, given({ nonlinearity: 'relu', numLayers: 2 })), sequences),
  RNNCell: (given) => layer(new lw.RNNCell(2, given({ nonlinearity: 'relu' })), vectors),
  Sequential: (given) => layer(new lw.Sequential(given([new lw.Linear(2), new lw.Tanh()]), given({ seed: 3 })), vectors),
  Softmax: (given) => layer(new lw.Softmax(given({ dim: 1 })), images),
  Softplus: (given) => layer(new lw.Softplus(given({ beta: 2 })), vectors),
  Upsample2d: (given) => layer(new lw.Upsample2d(given({ size: given([5, 7]), mode: 'bilinear', alignCorners: true })), images),

  Adagrad: (given) => optimizer(new lw.Adagrad(given({ lr: 0.1, lrDecay: 0.1, weightDecay: 0.1, initialAccumulatorValue: 0.1, eps: 0.1 }))),
  Adam: (given) => optimizer(new lw.Adam(given({ lr: 0.1, betas: given([0.5, 0.6]), eps: 0.1, weightDecay: 0.1, amsgrad: true }))),
  AdamW: (given) => optimizer(new lw.AdamW(given({ lr: 0.1, betas: given([0.5, 0.6]), eps: 0.1, weightDecay: 0.1, amsgrad: true }))),
  RMSprop: (given) => optimizer(new lw.RMSprop(given({ lr: 0.1, alpha: 0.5, eps: 0.1, weightDecay: 0.1, momentum: 0.5, centered: true }))),
  SGD: (given) => optimizer(new lw.SGD(given({ lr: 0.1, momentum: 0.5, dampening: 0.1, weightDecay: 0.1 }))),

  BCEWithLogitsLoss: (given) =>
    loss(
      new lw.BCEWithLogitsLoss(given({ posWeight: given([2, 3]), ignoreNaN: true, reduction: 'sum' })),
      2,
      lw.array(Float32Array.of(0, 1, 1, NaN, 0, 0, 1, 1), [4, 2]),
    ),
  CrossEntropyLoss: (given) =>
    loss(
      new lw.CrossEntropyLoss(given({ weight: Float32Array.of(1, 2, 3), labelSmoothing: 0.1, ignoreIndex: 0, reduction: 'sum' })),
      3,
      classes,
    ),
  HuberLoss: (given) => loss(new lw.HuberLoss(given({ delta: 0.5, ignoreNaN: true })), 1, answers),
  L1Loss: (given) => loss(new lw.L1Loss(given({ reduction: 'sum', ignoreNaN: true })), 1, answers),
  MSELoss: (given) => loss(new lw.MSELoss(given({ reduction: 'sum', ignoreNaN: true })), 1, answers),
  PoissonNLLLoss: (given) => loss(new lw.PoissonNLLLoss(given({ reduction: 'sum', ignoreNaN: true })), 1, answers),
  QuantileLoss: (given) => {
    const made = new lw.QuantileLoss(given({ quantiles: given([0.1, 0.8]), reduction: 'sum', ignoreNaN: true }));
    const [p, y] = [lw.constant(Float32Array.of(1, 2, 3, 5), [2, 2]), lw.constant(Float32Array.of(3, NaN))];
    return () => lw.compile(() => made.forward(p, y)).sync();
  },
  GaussianNLLLoss: (given) => {
    const made = new lw.GaussianNLLLoss(given({ eps: 2, reduction: 'sum', ignoreNaN: true }));
    const [mean, variance, y] = [[1, 2], [1, 3], [3, NaN]].map((values) => lw.constant(Float32Array.from(values))); // prettier-ignore
    return () => lw.compile(() => made.forward({ mean: mean!, variance: variance! }, y!)).sync();
  },
  NLLLoss: (given) => loss(new lw.NLLLoss(given({ weight: given([1, 2, 3]), ignoreIndex: 0 })), 3, classes),
  CTCLoss: (given) => {
    const made = new lw.CTCLoss(given({ blank: 1, zeroInfinity: true, reduction: 'sum' }));
    const labels = lw.constant(Int32Array.of(0, 2, 3, 0), [2, 2]);
    return () => lw.compile(() => made.forward(lw.constant(rows([2, 6, 4]).data as Float32Array, [2, 6, 4]), labels)).sync();
  },
  Losses: (given) => {
    const made = new lw.Losses(given({ a: new lw.MSELoss(), b: new lw.L1Loss() }), given({ weights: { a: 2, b: 3 } }));
    const [p, y] = [lw.constant(Float32Array.of(1, 2)), lw.constant(Float32Array.of(3, 5))];
    return () => lw.compile(() => made.forward({ a: p, b: p }, { a: y, b: y })).sync();
  },

  accuracy: (given) => metric(lw.accuracy(given({ threshold: 0.1 })), 1, answers),
  auc: (given) => metric(lw.auc(given({ range: given([-1, 1]) })), 1, answers),
  bitsPerCharacter: (given) => metric(lw.bitsPerCharacter(given({ ignoreIndex: 0 })), 3, classes),
  f1: (given) => metric(lw.f1(given({ positive: 0, threshold: 0.1 })), 1, answers),
  mae: (given) => metric(lw.mae(given({ ignoreNaN: true })), 1, answers),
  perplexity: (given) => metric(lw.perplexity(given({ ignoreIndex: 0 })), 3, classes),
  precision: (given) => metric(lw.precision(given({ positive: 2, ignoreIndex: 0 })), 3, classes),
  r2: (given) => metric(lw.r2(given({ ignoreNaN: true })), 1, answers),
  recall: (given) => metric(lw.recall(given({ multiLabel: true, threshold: 0.1 })), 1, answers),
  rmse: (given) => metric(lw.rmse(given({ ignoreNaN: true })), 1, answers),
  topK: (given) => metric(lw.topK(2, given({ ignoreIndex: 0 })), 3, classes),

  cosineDecay: (given) => schedule(lw.cosineDecay(1, given({ steps: 10, minimum: 0.1 }))),
  exponentialDecay: (given) => schedule(lw.exponentialDecay(1, given({ gamma: 0.5 }))),
  linear: (given) => schedule(lw.linear(1, given({ to: 0.5, steps: 10 }))),
  oneCycle: (given) => schedule(lw.oneCycle(1, given({ steps: 10, pctStart: 0.5, divFactor: 2, finalDivFactor: 10 }))),
  stepDecay: (given) => schedule(lw.stepDecay(1, given({ stepSize: 2, gamma: 0.5 }))),
  warmup: (given) => schedule(lw.warmup(1, given({ steps: 10 }))),

  mixup: (given) => augmentation(lw.mixup(given({ alpha: 0.5 }))),
  normalize: (given) => augmentation(lw.normalize(given({ mean: given([1, 2, 3, 4]), std: given([1, 2, 3, 4]) }))),
  randomCrop: (given) => augmentation(lw.randomCrop(given({ padding: 1, height: 3, width: 2 }))),
  randomFlip: (given) => augmentation(lw.randomFlip(given({ probability: 0.3 }))),

  'Trainer, clipping': trainer(() => ({ clipNorm: 0.1, clipValue: 0.1, gradientNorm: true, seed: 3 })),
  'Trainer, frozen': trainer((given) => ({ frozen: given(['0']) })),
  'Trainer, groups': trainer((given) => ({
    groups: given([given({ parameters: given(['0']), optimizer: new lw.SGD({ lr: 0.3 }) })]),
  })),
  'Trainer, metrics': trainer((given) => ({ metrics: given([lw.mae()]) })),
  'Trainer, penalties': trainer((given) => ({ penalties: given([lw.l2(0.1)]) })),
};

describe('options and lists, changed later,', () => {
  it('are the caller’s own: those of a layer are read-only', () => {
    const options = { stride: [1, 2] } as const;
    const layer = new lw.Conv2d(1, 2, options);
    assert.deepEqual(layer.options, options);
    assert.ok(!Object.isFrozen(options) && !Object.isFrozen(options.stride));
    assert.throws(() => Object.assign(layer.options, { stride: 0 }), TypeError);
    assert.throws(() => Object.assign(layer.options.stride!, [0]), TypeError);
  });
  it('count with what they inherit', () => {
    const options = Object.create({ stride: 2 }) as lw.Conv2dOptions;
    assert.deepEqual(new lw.Conv2d(1, 2, options).build([4, 4, 1]).predictSync(rows([1, 4, 4, 1])).shape, [1, 2, 2, 1]);
  });
  for (const [name, make] of Object.entries(cases)) {
    it(`change nothing: ${name}`, async () => {
      const given: object[] = [];
      const spoilt = make((value) => {
        given.push(value);
        return value;
      });
      assert.ok(given.length > 0);
      given.forEach(spoil);
      assert.deepEqual(await spoilt(), await make((value) => value)());
    });
  }
});
