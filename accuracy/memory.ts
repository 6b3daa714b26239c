/**
 * A tiny network for a million steps: resident memory must stay within 2 MB of what it was after the first thousand. V8's optimising
 * compiler is off: its threads take 3 to 5 MB in the first tenth of a second, which is long after a thousand steps. It is the built package
 * that runs, in plain Node.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Finding } from './finding.js';

interface Resident {
  readonly firstStep: number;
  readonly lastStep: number;
  readonly resident: readonly number[];
}

export function run(): Promise<readonly Finding[]> {
  const script = fileURLToPath(new URL('support/tiny-fit.js', import.meta.url));
  const output = execFileSync(process.execPath, ['--expose-gc', '--no-opt', script], { encoding: 'utf8' });
  const { firstStep, lastStep, resident } = JSON.parse(output) as Resident;
  const first = resident[0]!;
  const [smallest, largest] = [Math.min(...resident), Math.max(...resident)];
  return Promise.resolve([
    {
      what: `resident memory from step ${firstStep} to ${lastStep}`,
      value: `${first.toFixed(1)} MB at first, ${smallest.toFixed(1)} … ${largest.toFixed(1)} MB later`,
      target: '± 2 MB',
      met: largest - first <= 2 && first - smallest <= 2,
    },
  ]);
}
