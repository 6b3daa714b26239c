import { type NormalizeOptions, channelStatistics, normalized } from '../../ops/normalize.js';
import type { Augmentation } from './augmentation.js';

/**
 * Brings each channel to mean 0 and deviation 1, in training only. So that validation and prediction do the same, put the layer
 * `Normalize` with the same options first in the model instead; this one is for data whose evaluation part is normalised already, and
 * for what must follow it, such as cutout.
 *
 * y = (x − mean) / std, with 1 for a std of 0.   x [..., C] → [..., C] float32
 *
 * @throws OptionError unless mean and std are lists of one length and std ≥ 0; ShapeError if C is another
 */
export function normalize(options: NormalizeOptions): Augmentation {
  const kept = channelStatistics('normalize', options);
  return { name: 'normalize', forward: ({ x, y }) => ({ x: normalized('normalize', x, kept), y }) };
}
