import { build } from '../build.js';
import type { Driver } from '../types.js';
import { buildOneDnn } from './native.js';
import { torchDrivers, tsDriver } from './step.js';

export function rnnDrivers(): { found: Driver[]; missing: string[] } {
  const reference = build('rnn_reference', { source: 'rnn_reference.cc', flags: ['-march=native', '-fopenmp-simd'] })!;
  const environment = { BENCH_REFERENCE: reference };
  const found = [tsDriver('lanewise', '', 'rnn_lanewise.ts', environment)];
  const missing: string[] = [];
  const onednn = buildOneDnn('rnn_onednn');
  if (onednn === undefined) missing.push('onednn');
  else found.push({ peer: 'onednn', variant: '', command: [onednn], environment });
  const torch = torchDrivers('rnn_torch.py', environment);
  if (torch.length === 0) missing.push('torch');
  return { found: [...found, ...torch], missing };
}
