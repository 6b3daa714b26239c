import type { Sequential } from 'lanewise';
import { resnet } from './resnet.js';

/**
 * ResNet-18 for 32 × 32 pixels: no pool after the stem, which is a 3 × 3 convolution.
 * x [N, 32, 32, 3] → scores [N, classes]; 11,173,962 parameters for 10 classes.
 */
export function resnet18({ classes = 10, seed = 0 } = {}): Sequential {
  return resnet({ widths: [64, 128, 256, 512], blocks: 2, classes, seed });
}
