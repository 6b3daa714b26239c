import type { Driver } from '../types.js';
import { buildLanewise, buildOneDnn } from './native.js';

export function convDrivers(): { found: Driver[]; missing: string[] } {
  const found: Driver[] = [];
  const missing: string[] = [];
  const lanewise = buildLanewise('conv_lanewise');
  if (lanewise === undefined) missing.push('lanewise');
  else found.push({ peer: 'lanewise', variant: '', command: [lanewise], environment: {} });
  const onednn = buildOneDnn('conv_onednn');
  if (onednn === undefined) missing.push('onednn');
  else {
    const add = (peer: string, variant: string): number =>
      found.push({ peer, variant, command: [onednn], environment: { BENCH_VARIANT: variant } });
    add('onednn', 'direct');
    add('onednn', 'nhwc');
    add('onednn winograd', 'winograd');
  }
  return { found, missing };
}
