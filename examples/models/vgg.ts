import { BatchNorm, Conv2d, Flatten, type Layer, Linear, MaxPool2d, ReLU, Sequential } from 'lanewise';

/** A convolution without a bias, which the normalisation after it would take away again. */
function block(channels: number): Layer[] {
  return [new Conv2d(channels, 3, { padding: 1, bias: false }), new BatchNorm(), new ReLU()];
}

export interface VggOptions {
  /** Channels of the stages: two convolutions each, then half the size. Default: 64, 128 and 256, for 32 × 32 pixels. */
  readonly widths?: readonly number[];
  readonly classes?: number;
  readonly seed?: number;
}

/**
 * Pairs of 3 × 3 convolutions with batch normalisation, a pool after each pair, and one linear layer.
 * x [N, H, W, C] → scores [N, classes]; 1,187,274 parameters for 32 × 32 × 3 pixels and 10 classes.
 *
 * @see Simonyan and Zisserman 2014, https://arxiv.org/abs/1409.1556
 */
export function vgg({ widths = [64, 128, 256], classes = 10, seed = 0 }: VggOptions = {}): Sequential {
  const stages = widths.flatMap((width) => [...block(width), ...block(width), new MaxPool2d(2)]);
  return new Sequential([...stages, new Flatten(), new Linear(classes)], { seed });
}
