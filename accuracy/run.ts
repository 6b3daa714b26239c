/**
 * Runs one of the slow accuracy checks and prints its findings as a row for docs/results.md: npm run accuracy -- NAME
 * The exit status is 1 if a target is missed.
 */
import { readdir } from 'node:fs/promises';
import { cpus } from 'node:os';
import { cpuInfo } from 'lanewise';
import { endOnMisuse } from '../examples/support/misuse.js';
import type { Finding } from './finding.js';

const names = (await readdir(new URL('.', import.meta.url)))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.replace('.ts', ''))
  .filter((name) => name !== 'run' && name !== 'finding');
const name = process.argv[2] ?? '';
if (!names.includes(name)) {
  console.error(`expected one of ${names.join(', ')}, got ${name === '' ? 'nothing' : name}: npm run accuracy -- ${names[0]!}`);
  process.exit(2);
}
endOnMisuse();
const { run } = (await import(`./${name}.ts`)) as { run: () => Promise<readonly Finding[]> };
const findings = await run();
console.log(`### ${name}\n`);
console.log(
  `${new Date().toISOString().slice(0, 10)}, ${cpus()[0]!.model} (${cpus().length} processors), ${cpuInfo().isa}, Node ${process.version}: \`npm run accuracy -- ${name}\`\n`,
);
console.log('| what | measured | target | met |\n| --- | --- | --- | --- |');
for (const { what, value, target, met } of findings) console.log(`| ${what} | ${value} | ${target} | ${met ? 'yes' : 'no'} |`);
if (findings.some(({ met }) => !met)) process.exitCode = 1;
