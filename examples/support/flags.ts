import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { setThreads } from 'lanewise';
import { Misuse, endOnMisuse } from './misuse.js';

/** A flag's default, as text, and what it is for. `false`: a flag without a value. */
export type Flag = readonly [initial: string | false, help: string];

/** Texts, and booleans of flags without a value. */
export type Values<Known extends Readonly<Record<string, Flag>>> = {
  readonly [Name in keyof Known]: Known[Name][0] extends false ? boolean : string;
};

/**
 * The values of an example's flags, by name. `--help` prints what the example does and its flags, and ends.
 * @throws Misuse, which from here on ends the example without a stack, for a flag that is not among them or did not come through npm
 */
export function flags<const Known extends Readonly<Record<string, Flag>>>(about: string, known: Known): Values<Known> {
  endOnMisuse();
  const list = Object.entries(known);
  const advice = `Flags come after --, as in ${/^npm run [\w-]+/.exec(about)![0]} -- --help, which lists them.`;
  const taken = list.find(([name]) => process.env[`npm_config_${name.replaceAll('-', '_')}`] !== undefined);
  if (taken !== undefined) throw new Misuse(`--${taken[0]}: npm took it for a flag of its own. ${advice}`);
  const option = (initial: string | false) =>
    initial === false ? { type: 'boolean' as const, default: initial } : { type: 'string' as const, default: initial };
  const options = { ...Object.fromEntries(list.map(([name, [initial]]) => [name, option(initial)])), help: { type: 'boolean' as const } };
  const parsed = (): Readonly<Record<string, unknown>> => {
    try {
      return parseArgs({ options }).values;
    } catch (error) {
      throw new Misuse(`${(error as Error).message.split(/\.\s/)[0]}. ${advice}`);
    }
  };
  const values = parsed();
  if (values.help === true) {
    const width = Math.max(...list.map(([name]) => name.length));
    const lines = list.map(([name, [initial, help]]) => `  --${name.padEnd(width)}  ${help}${initial ? ` (default: ${initial})` : ''}`);
    console.log([about, '', ...lines].join('\n').trimEnd());
    process.exit(0);
  }
  return values as Values<Known>;
}

/** A flag's value as a whole number in `least` … `most`. @throws Misuse naming the flag */
export function wholeNumber(flag: string, value: string, most: number = Infinity, least: number = 1): number {
  const number = Number(value);
  if (value.trim() !== '' && Number.isInteger(number) && number >= least && number <= most) return number;
  throw new Misuse(`--${flag}: expected a whole number ${most === Infinity ? `≥ ${least}` : `in ${least} … ${most}`}, got ${value}.`);
}

/** A flag's value as a number in `least` … `most`. @throws Misuse naming the flag */
export function numberIn(flag: string, value: string, least: number, most: number): number {
  const number = Number(value);
  if (value.trim() !== '' && number >= least && number <= most) return number;
  throw new Misuse(`--${flag}: expected a number in ${least} … ${most}, got ${value}.`);
}

/** Computes on as many threads as `--threads` says, if it says so. @throws Misuse naming the flag */
export function useThreads(value: string): void {
  if (value !== '') setThreads(wholeNumber('threads', value, 256));
}

/** Makes the folder of the files that `--out` names: nobody shall train first and then lose it. @throws Misuse naming the flag */
export async function useOutput(out: string): Promise<void> {
  const folder = dirname(out);
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
  } catch (error) {
    throw new Misuse(`--out: expected a path in a folder that can be written to, got ${out} (${(error as Error).message}).`);
  }
}

/** What a flag's value stands for. @throws Misuse naming the flag and the values it can have */
export function choice<Meaning>(flag: string, value: string, known: Readonly<Record<string, Meaning>>): Meaning {
  if (Object.hasOwn(known, value)) return known[value]!;
  throw new Misuse(`--${flag}: expected ${Object.keys(known).join(' or ')}, got ${value}.`);
}
