import { bandwidthFor } from './limits.js';
import { geometricMean } from './statistics.js';
import type { CaseResult, Limits, Measurement } from './types.js';

const subject = 'lanewise';

interface Row {
  readonly name: string;
  readonly cells: readonly string[];
}

/** One table for the cases of one suite and thread count. */
export function table(results: readonly CaseResult[], limits: Limits): string {
  const peers = [...new Set(results.flatMap(({ measurements }) => measurements.map(({ peer }) => peer)))];
  const withFlops = results.some((result) => result.case.flops > 0);
  const withBytes = results.some((result) => result.case.bytes > 0);
  const header = [
    'case',
    ...peers,
    ...(withFlops ? ['of FMA peak'] : []),
    ...(withBytes ? ['of bandwidth'] : []),
    'against best',
    'rounds',
  ];
  const rows = results.map((result): Row => {
    const own = result.measurements.find(({ peer }) => peer === subject);
    const ratio = ratioToBest(result);
    return {
      name: result.case.name,
      cells: [
        ...peers.map((peer) =>
          value(
            result,
            result.measurements.find((measurement) => measurement.peer === peer),
          ),
        ),
        ...(withFlops ? [percent(own && result.case.flops / own.seconds / result.peak)] : []),
        ...(withBytes ? [percent(own && bandwidthShare(result, own, limits))] : []),
        ratio === undefined ? '–' : ratio.toFixed(2),
        String(result.roundsUsed),
      ],
    };
  });
  return [layout([header, ...rows.map(({ name, cells }) => [name, ...cells])]), summary(results)].filter(Boolean).join('\n');
}

/** How many times faster than the best peer: above 1 is faster. */
export function ratioToBest(result: CaseResult): number | undefined {
  const ratios = result.measurements.flatMap(({ peer }) => ratioTo(peer, result) ?? []);
  return ratios.length === 0 ? undefined : Math.min(...ratios);
}

function ratioTo(peer: string, { measurements }: CaseResult): number | undefined {
  const own = measurements.find((measurement) => measurement.peer === subject);
  const other = measurements.find((measurement) => measurement.peer === peer);
  return own === undefined || other === undefined || peer === subject ? undefined : other.seconds / own.seconds;
}

export function json(results: readonly CaseResult[], limits: Limits, machine: object): object {
  return {
    machine,
    limits: {
      peak: Object.fromEntries(limits.peak),
      bandwidth: Object.fromEntries([...limits.bandwidth].map(([threads, measured]) => [threads, Object.fromEntries(measured)])),
    },
    results: results.map((result) => ({
      suite: result.suite.name,
      ...result.case,
      unit: result.suite.unit,
      peak: result.peak,
      roundsUsed: result.roundsUsed,
      ratioToBest: ratioToBest(result),
      unsupported: result.unsupported,
      measurements: result.measurements.map((measurement) => ({
        ...measurement,
        ofPeak: result.case.flops > 0 ? result.case.flops / measurement.seconds / result.peak : undefined,
        ofBandwidth: result.case.bytes > 0 ? bandwidthShare(result, measurement, limits) : undefined,
      })),
    })),
  };
}

export function limitsText(limits: Limits): string {
  const lines = [...limits.peak].map(([threads, peak]) => {
    const streams = [...limits.bandwidth.get(threads)!].map(([bytes, rate]) => `${size(bytes)} ${(rate / 1e9).toFixed(0)}`);
    return `${threads} thread${threads > 1 ? 's' : ''}: FMA peak ${(peak / 1e9).toFixed(1)} GFLOP/s; triad GB/s by working set: ${streams.join(', ')}`;
  });
  return lines.join('\n');
}

/** Geometric mean and worst of the ratios, against the best peer of each case and, where there are several, against each. */
function summary(results: readonly CaseResult[]): string {
  const peers = [...new Set(results.flatMap(({ measurements }) => measurements.map(({ peer }) => peer)))].filter(
    (peer) => peer !== subject,
  );
  const lines = [ratioLine('the best peer of each case', results, (result) => ratioToBest(result))];
  if (peers.length > 1) lines.push(...peers.map((peer) => ratioLine(peer, results, (result) => ratioTo(peer, result))));
  return lines.filter(Boolean).join('\n');
}

function ratioLine(against: string, results: readonly CaseResult[], ratio: (result: CaseResult) => number | undefined): string {
  const ratios = results.flatMap((result) => ratio(result) ?? []);
  if (ratios.length === 0) return '';
  const minimum = Math.min(...ratios);
  const worst = results.find((result) => ratio(result) === minimum)!;
  const cases = ratios.length < results.length ? ` of ${ratios.length} cases` : '';
  return `against ${against}: geometric mean${cases} ${geometricMean(ratios).toFixed(2)}, worst ${minimum.toFixed(2)} (${worst.case.name})`;
}

function value({ suite, case: { flops } }: CaseResult, measurement: Measurement | undefined): string {
  if (measurement === undefined) return '–';
  if (suite.unit === 'GFLOP/s') return (flops / measurement.seconds / 1e9).toFixed(1);
  if (suite.unit === 'MB') return `${(measurement.seconds / 1e6).toFixed(0)} MB`;
  const scaled = measurement.seconds * (suite.unit === 'ms' ? 1e3 : 1e6);
  return `${scaled < 100 ? scaled.toPrecision(3) : scaled.toFixed(0)} ${suite.unit}`;
}

function bandwidthShare(result: CaseResult, { seconds }: Measurement, limits: Limits): number {
  const { bytes, threads } = result.case;
  return bytes / seconds / bandwidthFor(limits, threads, bytes);
}

function percent(share: number | undefined): string {
  return share === undefined ? '–' : `${(100 * share).toFixed(0)} %`;
}

function size(bytes: number): string {
  return bytes >= 1 << 20 ? `${bytes >> 20} MB` : `${bytes >> 10} KB`;
}

function layout(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => '-'.repeat(width - (column === 0 ? 0 : 1)) + (column === 0 ? '' : ':')).join(' | ')} |`;
  return [line(rows[0]!), rule, ...rows.slice(1).map(line)].join('\n');
}
