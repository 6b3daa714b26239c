import { BatchNorm, Conv2d, GlobalAvgPool2d, Layer, Linear, ReLU, type Scope, Sequential, type Tensor, add, relu } from 'lanewise';

/** A 3 × 3 convolution without a bias, which the normalisation after it would take away again. */
function conv3x3(channels: number, stride: number): Conv2d {
  return new Conv2d(channels, 3, { stride, padding: 1, bias: false });
}

/**
 * Two convolutions beside a way around them, which projects only where the shape changes.
 *
 * y = relu(x' + bn₂(conv₂(relu(bn₁(conv₁(x)))))), x' = x or bn(conv 1 × 1(x)).   x [N, H, W, C] → y [N, H / stride, W / stride, channels]
 *
 * @see He et al. 2015, https://arxiv.org/abs/1512.03385
 */
export class BasicBlock extends Layer {
  readonly body: Layer;
  readonly projection: Layer;

  constructor(
    readonly channels: number,
    readonly stride: number = 1,
  ) {
    super();
    this.body = new Sequential({
      conv1: conv3x3(channels, stride),
      bn1: new BatchNorm(),
      relu: new ReLU(),
      conv2: conv3x3(channels, 1),
      bn2: new BatchNorm(),
    });
    this.projection = new Sequential({ conv: new Conv2d(channels, 1, { stride, bias: false }), bn: new BatchNorm() });
  }

  forward(x: Tensor, scope: Scope): Tensor {
    const around = this.stride === 1 && x.shape.at(-1) === this.channels ? x : scope.call('projection', this.projection, x);
    return relu(add(around, scope.call('body', this.body, x)));
  }
}

export interface ResnetOptions {
  /** Channels of each stage; every stage but the first halves the size. */
  readonly widths: readonly number[];
  /** Blocks of each stage. */
  readonly blocks: number;
  readonly classes: number;
  readonly seed: number;
}

/** A residual net for small images: a 3 × 3 stem, stages of basic blocks, the mean over the pixels and one linear layer. */
export function resnet({ widths, blocks, classes, seed }: ResnetOptions): Sequential {
  const stages = widths.map(
    (width, stage) => new Sequential(Array.from({ length: blocks }, (_, block) => new BasicBlock(width, stage > 0 && block === 0 ? 2 : 1))),
  );
  return new Sequential(
    {
      stem: new Sequential([conv3x3(widths[0]!, 1), new BatchNorm(), new ReLU()]),
      ...Object.fromEntries(stages.map((stage, i) => [`stage${i + 1}`, stage])),
      pool: new GlobalAvgPool2d(),
      classifier: new Linear(classes),
    },
    { seed },
  );
}
