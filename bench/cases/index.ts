import type { Suite } from '../types.js';
import { convSuite } from './conv.js';
import { eventLoopSuite } from './event-loop.js';
import { gemmSuite, gemmViewSuite } from './gemm.js';
import { memorySuite, stepImagesSuite, stepSuite } from './step.js';

export function suites(): Suite[] {
  return [gemmSuite(), gemmViewSuite(), convSuite(), stepSuite(), stepImagesSuite(), memorySuite(), eventLoopSuite()];
}
