#!/usr/bin/env node
/** The command line: `npx lanewise doctor` and `npx lanewise bench`. */
import { Command } from 'commander';
import { bench, formatBench } from './bench.js';
import { diagnose, formatDiagnosis } from './doctor.js';

const program = new Command('lanewise').description('Deep-learning training for Node.js: looks at this installation and this machine.');

program
  .command('doctor')
  .description('says whether lanewise works here, and how to mend what does not')
  .option('--json', 'print one JSON object')
  .action(async ({ json }: { json?: true }) => {
    const diagnosis = await diagnose();
    console.log(json ? JSON.stringify(diagnosis, null, 2) : formatDiagnosis(diagnosis));
    if (!diagnosis.healthy) process.exitCode = 1;
  });

program
  .command('bench')
  .description('measures memory, products, a convolution, a recurrence, a training step and the delay of the event loop meanwhile')
  .option('--json', 'print one JSON object')
  .action(async ({ json }: { json?: true }) => {
    const report = await bench();
    console.log(json ? JSON.stringify(report, null, 2) : formatBench(report));
  });

await program.parseAsync();
