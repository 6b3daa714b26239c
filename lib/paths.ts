/** Where files lie. */
import { fileURLToPath } from 'node:url';
import { type Rule, check } from './options.js';

/** A path, or a URL of a file: `new URL('model.safetensors', import.meta.url)`. */
export type Path = string | URL;

export const pathRule: Rule = { expected: 'a path or a file: URL', accepts: isPath };

function isPath(value: unknown): boolean {
  if (!(value instanceof URL)) return typeof value === 'string' && value !== '';
  try {
    return fileURLToPath(value) !== '';
  } catch {
    return false; // of another kind, or a host's
  }
}

/** @throws OptionError for what is none */
export function pathOf(what: string, name: string, path: Path): string {
  check(what, name, path, pathRule);
  return path instanceof URL ? fileURLToPath(path) : path;
}
