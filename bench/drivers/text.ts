import type { TextRequest } from '../cases/text.js';
import type { Driver } from '../types.js';
import { mix } from './data.js';
import { torchDrivers, tsDriver } from './step.js';

export function textDrivers(): { found: Driver[]; missing: string[] } {
  return against('text_lanewise.ts', 'text_torch.py');
}

export function generationDrivers(): { found: Driver[]; missing: string[] } {
  return against('generation_lanewise.ts', 'generation_torch.py');
}

function against(lanewise: string, torch: string): { found: Driver[]; missing: string[] } {
  const peers = torchDrivers(torch);
  return { found: [tsDriver('lanewise', '', lanewise), ...peers], missing: peers.length > 0 ? [] : ['torch'] };
}

/**
 * Sequences of a Markov chain: three times of four the next character is one of three that the last one decides, else one of the first
 * eight. x [sequences, steps], and y, the characters that follow. torch_data.py has the same formulas.
 */
export function makeText({ vocabulary, steps, sequences }: TextRequest): { readonly x: Int32Array; readonly y: Int32Array } {
  const x = new Int32Array(sequences * steps);
  const y = new Int32Array(sequences * steps);
  for (let n = 0; n < sequences; n++) {
    let character = n % vocabulary;
    for (let t = 0; t < steps; t++) {
      const h = mix(n * steps + t) >>> 8;
      x[n * steps + t] = character;
      character = h % 4 > 0 ? (5 * character + ((h >> 2) % 3)) % vocabulary : (h >> 2) % 8;
      y[n * steps + t] = character;
    }
  }
  return { x, y };
}
