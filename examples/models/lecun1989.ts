import {
  Dropout,
  type Initializer,
  Layer,
  Linear,
  type Scope,
  type Tensor,
  add,
  concat,
  conv2d,
  filled,
  pad,
  relu,
  reshape,
  slice,
  tanh,
  uniform,
  zeros,
} from 'lanewise';

const maps = 12;
const kernel = 5;
/** What lies around the images and maps: the background. */
const background = -1;
/** Each map of the second layer sees 8 of the 12 maps of the first: groups of four maps each leave out another four. */
const seen = 8;
const group = 4;

/** U(−2.4/√F, 2.4/√F) for F inputs of a unit. */
function initialWeights(inputs: number): Initializer {
  const bound = 2.4 / Math.sqrt(inputs);
  return uniform(-bound, bound);
}

function withBackground(x: Tensor): Tensor {
  const width = [(kernel - 1) / 2, (kernel - 1) / 2] as const;
  return pad(x, [[0, 0], width, width, [0, 0]], background);
}

function channels(x: Tensor, from: number, count: number): Tensor {
  return slice(x, [0, 0, 0, from], [...x.shape.slice(0, 3), count]);
}

/** Adds a bias of its own to every unit. x [N, H, W, C] → y [N, H, W, C] */
function withUnitBiases(x: Tensor, scope: Scope): Tensor {
  return add(x, scope.parameter('bias', x.shape.slice(1), zeros()));
}

/** 12 maps, 5 × 5, stride 2. x [N, 16, 16, 1] → y [N, 8, 8, 12] */
class FirstMaps extends Layer {
  forward(x: Tensor, scope: Scope): Tensor {
    const w = scope.parameter('weight', [kernel, kernel, 1, maps], initialWeights(kernel * kernel));
    return withUnitBiases(conv2d(withBackground(x), w, { stride: 2 }), scope);
  }
}

/** 12 maps, 5 × 5, stride 2, each of which sees 8 maps. x [N, 8, 8, 12] → y [N, 4, 4, 12] */
class SecondMaps extends Layer {
  forward(x: Tensor, scope: Scope): Tensor {
    const w = scope.parameter('weight', [kernel, kernel, seen, maps], initialWeights(kernel * kernel * seen));
    const padded = withBackground(x);
    const views = [
      channels(padded, 0, seen),
      channels(padded, group, seen),
      concat([channels(padded, 0, group), channels(padded, 2 * group, group)], -1),
    ];
    const parts = views.map((view, i) => conv2d(view, channels(w, i * group, group), { stride: 2 }));
    return withUnitBiases(concat(parts, -1), scope);
  }
}

export interface Lecun1989Options {
  /** After each hidden layer. Default: tanh. */
  readonly activation?: 'tanh' | 'relu';
  /** tanh after the last layer, for targets of ±1, or plain scores. Default: tanh. */
  readonly output?: 'tanh' | 'scores';
  /** Of the units of the second layer. Default: 0. */
  readonly dropout?: number;
  readonly seed?: number;
}

/**
 * The digit network of 1989: two layers of 12 maps, 30 hidden units, 10 outputs; 9,760 parameters, 1,256 units.
 * x [N, 16, 16, 1] in −1 … 1 → y [N, 10]
 *
 * The paper does not say which maps the second layer sees, nor much of the outputs; the choices here are those of a known
 * reproduction: https://karpathy.github.io/2022/03/14/lecun1989/
 *
 * @see LeCun et al. 1989, http://yann.lecun.com/exdb/publis/pdf/lecun-89e.pdf
 */
export class Lecun1989 extends Layer {
  override readonly seed: number;
  readonly activation: (x: Tensor) => Tensor;
  readonly output: 'tanh' | 'scores';
  readonly h1: Layer = new FirstMaps();
  readonly h2: Layer = new SecondMaps();
  readonly dropout: Layer;
  readonly h3: Layer;
  readonly classifier: Layer;

  constructor({ activation = 'tanh', output = 'tanh', dropout = 0, seed = 0 }: Lecun1989Options = {}) {
    super();
    this.seed = seed;
    this.activation = activation === 'tanh' ? tanh : relu;
    this.output = output;
    this.dropout = new Dropout(dropout);
    this.h3 = new Linear(30, { weightInit: initialWeights(192), biasInit: zeros() });
    // Nine targets of ten are −1, so the outputs start there.
    this.classifier = new Linear(10, { weightInit: initialWeights(30), biasInit: output === 'tanh' ? filled(-1) : zeros() });
  }

  forward(x: Tensor, scope: Scope): Tensor {
    const h1 = this.activation(scope.call('h1', this.h1, x));
    const h2 = scope.call('dropout', this.dropout, this.activation(scope.call('h2', this.h2, h1)));
    const h3 = this.activation(scope.call('h3', this.h3, reshape(h2, [h2.shape[0]!, -1])));
    const scores = scope.call('classifier', this.classifier, h3);
    return this.output === 'tanh' ? tanh(scores) : scores;
  }
}
