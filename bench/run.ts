import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { suites } from './cases/index.js';
import { LimitMeter } from './limits.js';
import { machine, machineText } from './machine.js';
import { measure } from './measure.js';
import { DriverProcess } from './process.js';
import { json, limitsText, table } from './report.js';
import type { CaseResult, Suite } from './types.js';

const usage = `npm run bench -- [FILTER...] [--threads 1,2] [--rounds N] [--drivers a,b] [--json FILE] [--list]
A filter is a substring of \`suite/case\`; a case runs if it has all of them. See bench/README.md.`;

/** Ends with a message instead of a stack. */
function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

const { values: options, positionals: filters } = commandLine();
if (options.help) {
  console.log(usage);
  process.exit(0);
}
const positive = (text: string): boolean => /^[1-9]\d*$/.test(text);
const threadCounts = [...new Set(options.threads.split(',').map(Number))];
if (!options.threads.split(',').every(positive)) fail(`--threads: expected numbers ≥ 1 with commas between them, got ${options.threads}.`);
if (options.rounds !== undefined && !positive(options.rounds)) fail(`--rounds: expected a whole number ≥ 1, got ${options.rounds}.`);
const wantedPeers = options.drivers?.split(',');

function commandLine() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        threads: { type: 'string', default: '1,2' },
        rounds: { type: 'string' },
        drivers: { type: 'string' },
        json: { type: 'string', default: 'bench/results/latest.json' },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return fail(`${(error as Error).message}\n${usage}`);
  }
}

function select(suite: Suite): Suite {
  const wanted = suite.cases.filter(
    ({ name, threads }) => threadCounts.includes(threads) && filters.every((filter) => `${suite.name}/${name}`.includes(filter)),
  );
  return { ...suite, cases: wanted, rounds: options.rounds === undefined ? suite.rounds : Number(options.rounds) };
}

const chosen = suites(threadCounts)
  .map(select)
  .filter((suite) => suite.cases.length > 0);
if (chosen.length === 0)
  fail(`No case on ${options.threads} threads has "${filters.join('" and "')}" in its name: --list without more shows all.`);
if (options.list) {
  for (const suite of chosen) for (const { name, threads } of suite.cases) console.log(`${suite.name}/${name} (threads ${threads})`);
  process.exit(0);
}

const file = options.json;
// Tried before half an hour of measuring, not after it.
try {
  mkdirSync(dirname(file), { recursive: true });
  appendFileSync(file, '');
} catch (error) {
  fail(`--json: expected a file that can be written to, got ${file} (${(error as Error).message}).`);
}
const host = machine();
console.log(machineText(host));
const limits = new LimitMeter();
const used = [...new Set(chosen.flatMap((suite) => suite.cases.map(({ threads }) => threads)))].sort((a, b) => a - b);
await limits.start(used);
console.log(limitsText(limits));

const results: CaseResult[] = [];
for (const suite of chosen) {
  for (const threads of used) {
    const cases = suite.cases.filter((test) => test.threads === threads);
    if (cases.length > 0) await runSuite(suite, cases, threads);
  }
}
limits.stop();
if (results.length === 0) fail('Nothing was measured: no driver is left.');

writeFileSync(file, `${JSON.stringify(json(results, limits, host), undefined, 2)}\n`);
console.log(`\nwritten: ${file}`);

async function runSuite(suite: Suite, cases: Suite['cases'], threads: number): Promise<void> {
  const { found, missing } = suite.drivers(threads);
  const drivers = found.filter(({ peer }) => wantedPeers === undefined || wantedPeers.includes(peer));
  console.log(
    `\n${suite.name}, ${threads} thread${threads > 1 ? 's' : ''} (${suite.unit})${missing.length > 0 ? `; not here: ${missing.join(', ')}` : ''}`,
  );
  if (drivers.length === 0) {
    console.log(`no driver is left of ${[...new Set(found.map(({ peer }) => peer))].join(', ')}`);
    return;
  }
  const processes = drivers.map((driver) => new DriverProcess(driver, threads));
  const own: CaseResult[] = [];
  for (const test of cases) {
    own.push(await measure(suite, test, processes, limits));
    if (process.stderr.isTTY) process.stderr.write(`\r${own.length}/${cases.length} ${test.name}\x1b[K`);
  }
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  for (const driver of processes) driver.stop();
  results.push(...own);
  console.log(table(own, limits));
}
