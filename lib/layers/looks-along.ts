import { type Pair, both } from '../ops/conv-options.js';

/** Whether windows see other steps than their own, or leave some out; the steps of images [N, T, W, C] are their rows. */
export function windowsLookAlong(
  kernelSize: Pair,
  { stride = 1, padding = 0 }: { readonly stride?: Pair | undefined; readonly padding?: Pair | string | undefined },
): boolean {
  const along = [both(kernelSize)[0] > 1, both(stride)[0] > 1, typeof padding !== 'string' && both(padding)[0] > 0];
  return along.includes(true);
}
