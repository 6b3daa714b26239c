/** The digit network of 1989 and four steps of modernisation: every test error within half a point of the published reproduction's, on its digits. */
import { type Rung, climb, errorOf, rungs } from '../examples/support/ladder-1989.js';
import type { Finding } from './finding.js';
import { digits2022 } from './support/digits-2022.js';

/** In points. */
const tolerance = 0.5;
/** Of initial weights, dropout and shifts: errors are averaged over them, as one start alone is worth some tenths of a point. */
const seeds = [1989, 1990, 1991, 1992, 1993] as const;

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

export async function run(): Promise<readonly Finding[]> {
  const train = await digits2022('train');
  const test = await digits2022('test');
  const errorsOf = async (rung: Rung, seed: number): Promise<{ training: number; test: number }> => {
    const model = await climb(rung, train, { seed });
    return { training: await errorOf(model, train), test: await errorOf(model, test) };
  };
  const findings: Finding[] = [];
  for (const rung of rungs) {
    const errors = await Promise.all(seeds.map((seed) => errorsOf(rung, seed)));
    const each = errors.map((error) => error.test);
    const value = mean(each);
    findings.push({
      what: `${rung.title}: test error after ${rung.passes} passes`,
      value:
        `${value.toFixed(2)} %, mean of ${seeds.length} seeds (${each.map((error) => error.toFixed(2)).join(', ')}; ` +
        `training ${mean(errors.map((error) => error.training)).toFixed(2)} %)`,
      target: `${rung.published.toFixed(2)} ± ${tolerance} %`,
      met: Math.abs(value - rung.published) <= tolerance,
    });
  }
  return findings;
}
