import type { Suite } from '../types.js';
import { convSuite } from './conv.js';
import { eventLoopSuite } from './event-loop.js';
import { gemmSuite, gemmViewSuite } from './gemm.js';
import { rnnSuite } from './rnn.js';
import { generationSuite, stepTextSuite } from './text.js';
import { memorySuite, stepImagesSuite, stepRowsSuite, stepSuite } from './step.js';

export function suites(): Suite[] {
  return [
    gemmSuite(),
    gemmViewSuite(),
    convSuite(),
    rnnSuite(),
    stepSuite(),
    stepImagesSuite(),
    stepRowsSuite(),
    stepTextSuite(),
    generationSuite(),
    memorySuite(),
    eventLoopSuite(),
  ];
}
