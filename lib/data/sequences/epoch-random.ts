import { Philox } from '../../random.js';

/** Streams of the host that batches use, far from those of initial values and of the shuffles of a fit. */
const batchStream = 0x6000_0000;

/** The random numbers of one epoch of batches: a function of the seed and the epoch only. */
export function epochRandom(seed: number, epoch: number): Philox {
  return new Philox(seed, batchStream + epoch);
}
