import { Linear, MSELoss, Sequential, Tanh, array, cpuInfo, getThreads, gradcheck } from '../index.js';
import { binaryPath, packageVersion } from '../native.js';
import { selfTest } from './self-test.js';
import { reasonOf } from '../reason.js';

/** One thing that was looked at. `mend` says what to do where it is not good. */
export interface Finding {
  readonly name: string;
  readonly status: 'good' | 'slow' | 'broken';
  readonly details: string;
  readonly mend?: string | undefined;
}

export interface Diagnosis {
  /** Nothing is broken; it may still be slow. */
  readonly healthy: boolean;
  readonly findings: readonly Finding[];
}

const good = (name: string, details: string): Finding => ({ name, status: 'good', details });

/** Looks at everything in order; what follows a missing binary cannot be looked at. */
export async function diagnose(): Promise<Diagnosis> {
  const findings = [lanewise(), node(), binary()];
  if (findings.every(({ status }) => status !== 'broken')) {
    for (const [name, check] of Object.entries({ instructions, threads, kernels, gradients })) findings.push(await attempt(name, check));
  }
  return { healthy: findings.every(({ status }) => status !== 'broken'), findings };
}

/** A check that throws has found what is broken. */
export async function attempt(name: string, check: () => Finding | Promise<Finding>): Promise<Finding> {
  try {
    return await check();
  } catch (error) {
    const mend = 'Give this process more memory or threads if it says that they are missing; else report it.';
    return { name, status: 'broken', details: reasonOf(error), mend };
  }
}

const lanewise = (): Finding => good('lanewise', packageVersion());

const least = [20, 19] as const;

/** What runs this: Node, or a runtime that names the Node it imitates. */
export function node(version: string = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const details = `Node ${version} on ${process.platform}-${process.arch}`;
  if (major > least[0] || (major === least[0] && minor >= least[1])) return good('node', details);
  return { name: 'node', status: 'broken', details, mend: `Install Node ${least.join('.')} or newer.` };
}

function binary(): Finding {
  try {
    cpuInfo();
    return good('binary', binaryPath());
  } catch (error) {
    const details = reasonOf(error);
    // The error's own last sentence says what to do; a build needs more than its command.
    const building = details.endsWith('build:native') ? { mend: 'That needs a C++20 compiler, make and Python 3.' } : {};
    return { name: 'binary', status: 'broken', details, ...building };
  }
}

function instructions(): Finding {
  const { isa, available } = cpuInfo();
  const details = `${isa} of ${available.join(', ')}`;
  if (isa !== available[0]) return { name: 'instructions', status: 'slow', details, mend: `Unset LANEWISE_ISA to use ${available[0]}.` };
  if (isa === 'baseline') {
    const mend =
      'This processor, or the virtual machine around it, shows no AVX2 with FMA. Give the machine the processor type of its host.';
    return { name: 'instructions', status: 'slow', details, mend };
  }
  return good('instructions', details);
}

function threads(): Finding {
  const { threads: usable } = cpuInfo();
  const used = getThreads();
  const details = `${used} of ${usable} usable processors`;
  if (used <= usable) return good('threads', details);
  return { name: 'threads', status: 'slow', details, mend: `More threads than processors wait for each other: setThreads(${usable}).` };
}

const reinstall = 'The binary or the processor computes wrongly: remove node_modules, install again, and report it if it stays.';

function kernels(): Finding {
  const results = selfTest();
  const wrong = results.filter(({ error, bound }) => !(error <= bound));
  const worst = (list: typeof results): string =>
    list.map(({ kernel, error, bound }) => `${kernel}: error ${error.toExponential(1)}, bound ${bound.toExponential(1)}`).join('; ');
  if (wrong.length > 0) return { name: 'kernels', status: 'broken', details: worst(wrong), mend: reinstall };
  return good('kernels', `${results.map(({ kernel }) => kernel).join(', ')} agree with float64`);
}

async function gradients(): Promise<Finding> {
  const inputs = [array([0.5, -1, 0.25, 2, -0.5, 1], [2, 3])];
  const model = new Sequential([new Linear(4), new Tanh(), new Linear(1)], { seed: 1 });
  const report = await gradcheck(model, inputs, { loss: { loss: new MSELoss(), target: array([[1], [-1]]) } });
  const largest = Math.max(...report.inputs.map(({ maxError }) => maxError));
  const error = `largest relative error beyond rounding ${largest.toExponential(1)}`;
  const details = `of ${report.inputs.length} inputs and parameters, ${error}`;
  return report.passed ? good('gradients', details) : { name: 'gradients', status: 'broken', details, mend: reinstall };
}

/** A line for each finding, what to do under those that are not good, and the verdict. */
export function formatDiagnosis({ healthy, findings }: Diagnosis): string {
  const lines = findings.flatMap(({ name, status, details, mend }) => [
    `${status.padEnd(7)} ${name.padEnd(13)} ${details}`,
    ...(mend === undefined ? [] : [`${' '.repeat(22)}${mend}`]),
  ]);
  return [...lines, healthy ? 'lanewise works here.' : 'lanewise does not work here: see above.'].join('\n');
}
