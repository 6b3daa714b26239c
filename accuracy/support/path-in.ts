import { Misuse } from '../../examples/support/misuse.js';

export const recordings = 'the recordings of https://github.com/Jakobovski/free-spoken-digit-dataset';

/** What an environment variable names. @throws Misuse if it is not set */
export function pathIn(variable: string, what: string): string {
  const path = process.env[variable];
  if (path === undefined) throw new Misuse(`expected the path of ${what} in the environment variable ${variable}, got none`);
  return path;
}
