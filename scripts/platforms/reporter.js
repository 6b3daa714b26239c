// Prints each test, so that a hanging one is seen, and writes what became of all of them as JSON.
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import mocha from 'mocha';

/** Bun prints a regular expression with escapes. */
const unescaped = (title) => title.replaceAll(/\\u([0-9a-f]{4})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16)));

export default class extends mocha.reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const report = { passed: [], skipped: [], failed: [] };
    runner.on('pass', (test) => report.passed.push({ title: unescaped(test.fullTitle()), file: relative('', test.file) }));
    runner.on('pending', (test) => report.skipped.push(test.fullTitle()));
    runner.on('fail', (test, error) => report.failed.push(`${test.fullTitle()}: ${error.message.split('\n')[0]}`));
    runner.on('end', () => writeFileSync(options.reporterOptions.output, JSON.stringify(report)));
  }
}
