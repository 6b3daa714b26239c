import { availableParallelism } from 'node:os';
import { tsDriver } from '../drivers/step.js';
import type { Suite } from '../types.js';
import type { StepRequest } from './step.js';

const net: StepRequest = {
  sizes: [784, 512, 512, 10],
  batch: 128,
  optimizer: 'adam',
  learningRate: 0.001,
  dropout: 0.2,
  data: 'stripes',
  samples: 8192,
};

/** The 99th percentile of the event loop's delay while a net trains flat out on every core; beside it, that of an idle loop. */
export function eventLoopSuite(): Suite {
  const threads = availableParallelism();
  return {
    name: 'event-loop',
    unit: 'ms',
    cases: [{ name: 'delay p99 while training', request: JSON.stringify(net), threads, flops: 0, bytes: 0 }],
    rounds: 3,
    sliceMilliseconds: 3000,
    drivers: () => ({ found: [tsDriver('lanewise', '', 'delay_lanewise.ts'), tsDriver('idle', '', 'delay_idle.ts')], missing: [] }),
  };
}
