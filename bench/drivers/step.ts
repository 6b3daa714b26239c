import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Driver } from '../types.js';
import { blisArchitectures, openblasCores } from './blas.js';

const path = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
const python = '/usr/bin/python3';
const hasTorch = existsSync(python) && existsSync('/usr/lib/python3/dist-packages/torch');
const blisAsBlas = '/usr/lib/x86_64-linux-gnu/blis-openmp/libblas.so.3';

/** What PyTorch may multiply with: OpenBLAS with each plausible kernel, and BLIS where that is installed. */
const torchBlas: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ...Object.fromEntries(openblasCores.map((core) => [core, { OPENBLAS_CORETYPE: core }])),
  ...(existsSync(blisAsBlas) && { BLIS: { LD_PRELOAD: blisAsBlas, BLIS_ARCH_TYPE: blisArchitectures.zen3! } }),
};

export function stepDrivers(threads: number): { found: Driver[]; missing: string[] } {
  const { found, missing } = stepRowsDrivers(threads);
  // Neither it nor TensorFlow.js uses more than one thread.
  if (threads === 1) {
    if (installed('brain.js')) found.push(tsDriver('brain.js', '', 'step_brain.js'));
    else missing.push('brain.js');
  }
  return { found, missing };
}

export function stepRowsDrivers(threads: number): { found: Driver[]; missing: string[] } {
  const found = [tsDriver('lanewise', '', 'step_lanewise.ts')];
  const missing: string[] = [];
  const torch = torchDrivers('step_torch.py');
  if (torch.length === 0) missing.push('torch');
  found.push(...torch);
  if (threads > 1) return { found, missing };
  if (installed('@tensorflow/tfjs')) {
    for (const backend of ['cpu', 'wasm']) found.push(tsDriver('tfjs', backend, 'step_tfjs.js', { BENCH_VARIANT: backend }));
  } else missing.push('tfjs');
  return { found, missing };
}

export function stepImagesDrivers(): { found: Driver[]; missing: string[] } {
  return againstFewTorch('step_lanewise.ts', 'step_torch.py');
}

export function layersDrivers(): { found: Driver[]; missing: string[] } {
  return againstFewTorch('layers_lanewise.ts', 'layers_torch.py');
}

/** Where oneDNN has the convolutions and only the linear layers are the BLAS's. */
function againstFewTorch(lanewise: string, file: string): { found: Driver[]; missing: string[] } {
  const torch = [openblasCores[0]!, 'BLIS'].filter((blas) => blas in torchBlas).map((blas) => torchDriver(file, blas));
  return { found: [tsDriver('lanewise', '', lanewise), ...(hasTorch ? torch : [])], missing: hasTorch ? [] : ['torch'] };
}

export function memoryDrivers(): { found: Driver[]; missing: string[] } {
  const environment = { BENCH_MEASURE: 'memory' };
  const lanewise = tsDriver('lanewise', '', 'step_lanewise.ts', environment);
  const torch = ['contiguous', 'channels_last'].map((layout) =>
    torchDriver('step_torch.py', openblasCores[0]!, { ...environment, BENCH_LAYOUT: layout }),
  );
  return { found: [lanewise, ...(hasTorch ? torch : [])], missing: hasTorch ? [] : ['torch'] };
}

/** PyTorch with everything it may multiply with; none if it is not installed. */
export function torchDrivers(file: string, environment: Readonly<Record<string, string>> = {}): Driver[] {
  return hasTorch ? Object.keys(torchBlas).map((blas) => torchDriver(file, blas, environment)) : [];
}

function torchDriver(file: string, blas: string, environment: Readonly<Record<string, string>> = {}): Driver {
  const variant = [blas, environment.BENCH_LAYOUT].filter(Boolean).join(' ');
  return { peer: 'torch', variant, command: [python, path(file)], environment: { ...torchBlas[blas], ...environment } };
}

/** A driver that runs in Node. */
export function tsDriver(peer: string, variant: string, file: string, environment: Readonly<Record<string, string>> = {}): Driver {
  return { peer, variant, command: [process.execPath, '--import', 'tsx', path(file)], environment };
}

function installed(name: string): boolean {
  return existsSync(path(`../node_modules/${name}/package.json`));
}
