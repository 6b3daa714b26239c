import type { Optimizer } from './optimizer.js';

/** Makes all fields of an optimizer but its rate read-only: they are compiled into programs, so a change would hold in some and not in others. */
export function fixAllButRate(optimizer: Optimizer): void {
  for (const name of Object.keys(optimizer)) if (name !== 'lr') Object.defineProperty(optimizer, name, { writable: false });
}
