import { check, nonNegativeInteger } from '../../options.js';
import { Philox } from '../../random.js';

/** Streams of the host that batches use, far from those of initial values and of the shuffles of a fit. */
const batchStream = 0x6000_0000;

/** The random numbers of one epoch of batches: a function of the seed and the epoch only. @throws OptionError for an epoch that is none */
export function epochRandom(what: string, seed: number, epoch: number): Philox {
  check(what, 'epoch', epoch, nonNegativeInteger);
  return new Philox(seed, batchStream + epoch);
}
