/** The digit network of 1989 and four steps of modernisation: every test error within half a point of the published reproduction's. */
import { digits1989 } from '../examples/support/digits-1989.js';
import { climb, rungs } from '../examples/support/ladder-1989.js';
import type { Finding } from './finding.js';

/** In points: the digits are another random choice, and one digit is 0.05. */
const tolerance = 0.5;

export async function run(): Promise<readonly Finding[]> {
  const train = await digits1989('train');
  const test = await digits1989('test');
  const findings: Finding[] = [];
  for (const rung of rungs) {
    const { trainError, testError } = await climb(rung, train, test);
    findings.push({
      what: `${rung.title}: test error after ${rung.passes} passes`,
      value: `${testError.toFixed(2)} % (training ${trainError.toFixed(2)} %)`,
      target: `${rung.published.toFixed(2)} ± ${tolerance} %`,
      met: Math.abs(testError - rung.published) <= tolerance,
    });
  }
  return findings;
}
