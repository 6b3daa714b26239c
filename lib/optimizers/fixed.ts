import type { Optimizer } from './optimizer.js';

/**
 * Makes all fields of an optimizer but its rate read-only, and the lists and numbers by name in them: they are compiled into programs, so a change
 * would hold in some and not in others.
 */
export function fixAllButRate(optimizer: Optimizer): void {
  for (const [name, value] of Object.entries(optimizer)) {
    if (name === 'lr') continue;
    Object.defineProperty(optimizer, name, { writable: false });
    if (typeof value === 'object' && value !== null) Object.freeze(value);
  }
}
