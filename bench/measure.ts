import { setTimeout as sleep } from 'node:timers/promises';
import type { LimitMeter } from './limits.js';
import { type DriverProcess, Unsupported } from './process.js';
import { median } from './statistics.js';
import type { Case, CaseResult, Driver, Measurement, Suite } from './types.js';

/** A round counts only if the FMA peak around it was this close to the run's own: otherwise the machine was busy elsewhere. */
const peakTolerance = 0.97;
/** Time for the workers of the last driver to go to sleep. */
const settleMilliseconds = 15;
/** A case whose repetitions are long gets fewer rounds. */
const budgetMilliseconds = 15_000;
const leastRounds = 5;

interface Round {
  readonly peak: number;
  readonly slices: ReadonlyMap<Driver, { readonly median: number; readonly minimum: number }>;
}

/** Runs one case: every driver checks its result, then all take turns, round after round. */
export async function measure(suite: Suite, test: Case, processes: readonly DriverProcess[], limits: LimitMeter): Promise<CaseResult> {
  const ready: DriverProcess[] = [];
  const unsupported: string[] = [];
  for (const driver of processes) {
    try {
      await driver.prepare(test.request);
      ready.push(driver);
    } catch (error) {
      const { peer, variant } = driver.driver;
      unsupported.push(`${peer} ${variant}: ${(error as Error).message}`);
      if (!(error instanceof Unsupported)) console.error(`${test.name}: ${unsupported.at(-1)}`);
    }
  }
  const rounds: Round[] = [];
  const start = performance.now();
  while (rounds.length < suite.rounds && (rounds.length < leastRounds || performance.now() - start < budgetMilliseconds)) {
    const before = await limits.peakNow(test.threads);
    const slices = new Map<Driver, { median: number; minimum: number }>();
    for (const driver of ready) {
      if (test.threads > 1) await sleep(settleMilliseconds);
      slices.set(driver.driver, await driver.time(suite.sliceMilliseconds));
    }
    rounds.push({ peak: Math.min(before, await limits.peakNow(test.threads)), slices });
  }
  const used = quietRounds(rounds, limits.peak.get(test.threads)!);
  const all = ready.map(({ driver }): Measurement => {
    const slices = used.map(({ slices }) => slices.get(driver)!);
    return {
      peer: driver.peer,
      variant: driver.variant,
      seconds: median(slices.map((slice) => slice.median)),
      minimum: Math.min(...slices.map((slice) => slice.minimum)),
    };
  });
  return {
    suite,
    case: test,
    measurements: fastestVariants(all),
    unsupported,
    // On a busy machine the rounds' own peak is as wrong as their times: never less than the run's.
    peak: Math.max(median(used.map(({ peak }) => peak)), limits.peak.get(test.threads)!),
    roundsUsed: used.length,
  };
}

/** The rounds with nothing else going on; the better half if there are too few. */
function quietRounds(rounds: readonly Round[], peak: number): readonly Round[] {
  const quiet = rounds.filter((round) => round.peak >= peakTolerance * peak);
  if (quiet.length >= 3) return quiet;
  return [...rounds].sort((a, b) => b.peak - a.peak).slice(0, Math.ceil(rounds.length / 2));
}

function fastestVariants(all: readonly Measurement[]): Measurement[] {
  const best = new Map<string, Measurement>();
  for (const measurement of all) {
    const other = best.get(measurement.peer);
    if (other === undefined || measurement.seconds < other.seconds) best.set(measurement.peer, measurement);
  }
  return [...best.values()];
}
