import type { Suite } from '../types.js';
import { convSuite } from './conv.js';
import { eventLoopSuite } from './event-loop.js';
import { gemmSuite, gemmViewSuite } from './gemm.js';
import { layersSuite } from './layers.js';
import { rnnSuite } from './rnn.js';
import { generationSuite, stepTextSuite } from './text.js';
import { memorySuite, stepImagesSuite, stepRowsSuite, stepSuite } from './step.js';

/** With a case for each number of threads, but where a suite has its own. */
export function suites(threadCounts: readonly number[]): Suite[] {
  return [
    gemmSuite(threadCounts),
    gemmViewSuite(),
    convSuite(threadCounts),
    rnnSuite(threadCounts),
    stepSuite(threadCounts),
    stepImagesSuite(threadCounts),
    stepRowsSuite(threadCounts),
    stepTextSuite(threadCounts),
    layersSuite(threadCounts),
    generationSuite(threadCounts),
    memorySuite(threadCounts),
    eventLoopSuite(),
  ];
}
