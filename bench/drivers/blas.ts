import { hasAvx512 } from '../machine.js';

/** OpenBLAS and BLIS pick their kernels by CPU model and know few: every plausible choice that can run here is tried, the fastest counts. */
export const openblasCores: readonly string[] = hasAvx512() ? ['SKYLAKEX', 'HASWELL', 'ZEN'] : ['HASWELL', 'ZEN'];

/** BLIS 0.9 takes its numbers for these names. */
export const blisArchitectures: Readonly<Record<string, string>> = { ...(hasAvx512() && { skx: '0' }), haswell: '3', zen3: '6' };
