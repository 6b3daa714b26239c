import { BatchNorm, Conv2d, GlobalAvgPool2d, Layer, Linear, MaxPool2d, ReLU, type Scope, Sequential, type Tensor, add } from 'lanewise';

/** A 3 × 3 convolution, normalised. It has no bias, which the normalisation would take away again. */
function block(channels: number): Layer[] {
  return [new Conv2d(channels, 3, { padding: 1, bias: false }), new BatchNorm(), new ReLU()];
}

/** The same at half the size. The pool comes first: the maximum of four costs less than the normalisation of four. */
function halvingBlock(channels: number): Layer[] {
  const [conv, ...rest] = block(channels);
  return [conv!, new MaxPool2d(2), ...rest];
}

/** Adds what a convolution finds. y = x + f(x).   x [N, H, W, channels] → y [N, H, W, channels] */
class Residual extends Layer {
  readonly body: Layer;

  constructor(channels: number) {
    super();
    this.body = new Sequential(block(channels));
  }

  forward(x: Tensor, scope: Scope): Tensor {
    return add(x, scope.call('body', this.body, x));
  }
}

/**
 * A residual net small enough to train on a CPU in minutes: only narrow layers see all pixels, the wide ones a quarter or fewer.
 * x [N, 28, 28, 1] → scores [N, classes]; 543,098 parameters for 10 classes.
 */
export function smallResnet({ classes = 10, seed = 0 } = {}): Sequential {
  return new Sequential(
    {
      stem: new Sequential([...block(16), ...halvingBlock(32)]),
      stage1: new Sequential(block(64)),
      stage2: new Sequential([...halvingBlock(128), new Residual(128)]),
      stage3: new Sequential(halvingBlock(256)),
      pool: new GlobalAvgPool2d(),
      classifier: new Linear(classes),
    },
    { seed },
  );
}
