import { parseArgs } from 'node:util';

/** A flag's default, as text, and what it is for. */
export type Flag = readonly [initial: string, help: string];

/**
 * The values of an example's flags, by name. `--help` prints what the example does and its flags, and ends.
 * @throws TypeError for a flag that is not among them
 */
export function flags<Name extends string>(about: string, known: Readonly<Record<Name, Flag>>): Record<Name, string> {
  const names = Object.keys(known) as Name[];
  const { values } = parseArgs({
    options: { ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])), help: { type: 'boolean' as const } },
  });
  if (values.help === true) {
    const width = Math.max(...names.map((name) => name.length));
    const line = (name: Name): string =>
      `  --${name.padEnd(width)}  ${known[name][1]}${known[name][0] === '' ? '' : ` (default: ${known[name][0]})`}`;
    console.log([about, '', ...names.map(line)].join('\n'));
    process.exit(0);
  }
  const given: Readonly<Record<string, unknown>> = values;
  const valueOf = (name: Name): string => {
    const value = given[name];
    return typeof value === 'string' ? value : known[name][0];
  };
  return Object.fromEntries(names.map((name) => [name, valueOf(name)])) as Record<Name, string>;
}

/** A flag's value as a whole number in 1 … `most`. @throws RangeError naming the flag */
export function wholeNumber(flag: string, value: string, most: number = Infinity): number {
  const number = Number(value);
  if (Number.isInteger(number) && number >= 1 && number <= most) return number;
  throw new RangeError(`--${flag}: expected a whole number ${most === Infinity ? '≥ 1' : `in 1 … ${most}`}, got ${value}.`);
}

/** What a flag's value stands for. @throws RangeError naming the flag and the values it can have */
export function choice<Meaning>(flag: string, value: string, known: Readonly<Record<string, Meaning>>): Meaning {
  if (Object.hasOwn(known, value)) return known[value]!;
  throw new RangeError(`--${flag}: expected ${Object.keys(known).join(' or ')}, got ${value}.`);
}
