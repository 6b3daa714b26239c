import assert from 'node:assert/strict';
import { type BenchReport, formatBench, lateness } from '../../lib/cli/bench.js';
import { cpuInfo, getThreads, setThreads } from '../../lib/index.js';
import { native } from '../../lib/native.js';

describe('lanewise bench', () => {
  const report: BenchReport = {
    cpu: { isa: 'avx2', available: ['avx2', 'baseline'], threads: 2, lanes: 8 },
    threads: 2,
    limits: [
      { threads: 1, gigaflops: 100, gigabytes: 20 },
      { threads: 2, gigaflops: 200, gigabytes: 30 },
    ],
    measurements: [
      { what: 'product', value: 150, unit: 'GFLOP/s', share: 0.75, of: 'FMA peak' },
      { what: 'relu', value: 15, unit: 'GB/s', share: 0.5, of: 'bandwidth' },
      { what: 'delay', value: 0.5, unit: 'ms' },
    ],
  };

  it('prints what the machine can do, and figures as shares of what bounds them', () => {
    assert.deepEqual(
      formatBench(report)
        .split('\n')
        .map((line) => line.replaceAll(/ +/g, ' ')),
      [
        'avx2, 2 threads',
        'FMA peak on 1 thread 100.0 GFLOP/s',
        'bandwidth on 1 thread 20.0 GB/s',
        'FMA peak on 2 threads 200.0 GFLOP/s',
        'bandwidth on 2 threads 30.0 GB/s',
        'product 150.0 GFLOP/s 75 % of the FMA peak',
        'relu 15.0 GB/s 50 % of the bandwidth',
        'delay 0.5 ms',
      ],
    );
  });

  it('says that something else used the machine where figures cannot be', () => {
    const doubt = /^Something else used the machine/m;
    assert.doesNotMatch(formatBench(report), doubt);
    const [one, two] = report.limits;
    assert.match(formatBench({ ...report, limits: [one!, { ...two!, gigaflops: 99 }] }), doubt);
    const measurements = [{ what: 'product', value: 214, unit: 'GFLOP/s', share: 1.07, of: 'FMA peak' }] as const;
    assert.match(formatBench({ ...report, measurements }), doubt);
  });

  it('calls that delay by which a timer is late, not the time between its calls', () => {
    const between = (milliseconds: number) => ({ percentile: (share: number) => (share === 99 ? milliseconds * 1e6 : NaN) });
    assert.equal(lateness(between(1.5)), 0.5);
    assert.equal(lateness(between(0.9)), 0);
  });

  it('counts one thread as one', () => assert.match(formatBench({ ...report, threads: 1 }), /^avx2, 1 thread$/m));

  it('counts the operations of the multiply-adds of every thread', () => {
    const threads = getThreads();
    try {
      setThreads(1);
      const flops = native().fmaChains(100);
      assert.ok(flops > 0 && flops % (2 * cpuInfo().lanes * 100) === 0, `${flops}`);
      setThreads(3);
      assert.equal(native().fmaChains(200), 6 * flops);
    } finally {
      setThreads(threads);
    }
  });

  it('refuses a number of rounds that is none', () => {
    assert.throws(() => native().fmaChains(-1), /fmaChains: expected an integer from 0 to \d+ for rounds, got -1/);
  });
});
