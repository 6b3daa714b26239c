import { check, nonNegativeInteger } from '../../options.js';
import { Philox } from '../../random.js';
import { hostStreams } from '../../streams.js';

/** The random numbers of one epoch of batches: a function of the seed and the epoch only. @throws OptionError for an epoch that is none */
export function epochRandom(what: string, seed: number, epoch: number): Philox {
  check(what, 'epoch', epoch, nonNegativeInteger);
  return new Philox(seed, hostStreams.batches + epoch);
}
