import type { Sequential } from 'lanewise';
import { resnet } from './resnet.js';

/**
 * A residual net small enough to train on a CPU in minutes: one block in each of three stages.
 * x [N, 28, 28, 1] → scores [N, classes]; 308,074 parameters for 10 classes.
 */
export function smallResnet({ classes = 10, seed = 0 } = {}): Sequential {
  return resnet({ widths: [32, 64, 128], blocks: 1, classes, seed });
}
