#!/usr/bin/env node
/** The command line: `npx lanewise doctor` and `npx lanewise bench`. */
import { Command } from 'commander';
import { bench, formatBench } from './bench.js';
import { diagnose, formatDiagnosis } from './doctor.js';
import { packageVersion } from '../native.js';
import { reasonOf } from '../reason.js';

/** What goes wrong is one message, as JSON where that was asked for, and never a stack. */
async function report(json: true | undefined, action: () => Promise<{ result: object; text: string; good: boolean }>): Promise<void> {
  try {
    const { result, text, good } = await action();
    console.log(json ? JSON.stringify(result, null, 2) : text);
    if (!good) process.exitCode = 1;
  } catch (error) {
    const message = reasonOf(error);
    if (json) console.log(JSON.stringify({ error: message }, null, 2));
    else console.error(message);
    process.exitCode = 1;
  }
}

const program = new Command('lanewise')
  .description('Deep-learning training for Node.js: looks at this installation and this machine.')
  .version(packageVersion());

program
  .command('doctor')
  .description('says whether lanewise works here, and how to mend what does not')
  .option('--json', 'print one JSON object')
  .action(({ json }: { json?: true | undefined }) =>
    report(json, async () => {
      const diagnosis = await diagnose();
      return { result: diagnosis, text: formatDiagnosis(diagnosis), good: diagnosis.healthy };
    }),
  );

program
  .command('bench')
  .description('measures memory, products, a convolution, a recurrence, a training step and the delay of the event loop meanwhile')
  .option('--json', 'print one JSON object')
  .action(({ json }: { json?: true | undefined }) =>
    report(json, async () => {
      const measured = await bench();
      return { result: measured, text: formatBench(measured), good: true };
    }),
  );

await program.parseAsync();
