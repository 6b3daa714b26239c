/** Checks of options and arguments, so that every mistake is one `OptionError` naming the option, its range and the value. */
import { OptionError } from './errors.js';
import { leastFloat } from './floats.js';

/** What a value must be, in words and as a test. */
export interface Rule {
  readonly expected: string;
  readonly accepts: (value: unknown) => boolean;
  /** The option has no default. */
  readonly required?: boolean | undefined;
  /** What to do about a value that is not accepted. */
  readonly advice?: string | undefined;
}

/** Options with their defaults. */
export type AllOf<Options> = { readonly [Name in keyof Options]-?: Exclude<Options[Name], undefined> };

/** One rule for each option. */
export type Rules<Options> = { readonly [Name in keyof Options]-?: Rule };

/** Finite as the float32 that it becomes. */
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(Math.fround(value));
/** Whether it is a list of finite numbers that all pass the test. */
export const isNumbers = (value: unknown, test: (n: number) => boolean): boolean =>
  isSequence(value) && Array.from(value).every((n) => isNumber(n) && test(n));

export const finite: Rule = { expected: 'a finite number', accepts: isNumber };
export const positive: Rule = { expected: 'a number > 0', accepts: (value) => isNumber(value) && value > 0 };
/** In programs, where what float32 has no normal number for is 0. */
export const positiveFloat: Rule = {
  expected: 'a number > 0, 1.2e-38 at least',
  accepts: (value) => isNumber(value) && Math.fround(value) >= leastFloat,
};
export const nonNegative: Rule = { expected: 'a number ≥ 0', accepts: (value) => isNumber(value) && value >= 0 };
export const fraction: Rule = { expected: 'a number in [0, 1)', accepts: (value) => isNumber(value) && value >= 0 && value < 1 };
export const unit: Rule = { expected: 'a number in [0, 1]', accepts: (value) => isNumber(value) && value >= 0 && value <= 1 };
export const share: Rule = { expected: 'a number in (0, 1)', accepts: (value) => isNumber(value) && value > 0 && value < 1 };
export const integer: Rule = { expected: 'a whole number', accepts: Number.isSafeInteger };
export const count: Rule = { expected: 'a whole number ≥ 1', accepts: (value) => Number.isSafeInteger(value) && Number(value) >= 1 };
export const nonNegativeInteger: Rule = {
  expected: 'a whole number ≥ 0',
  accepts: (value) => Number.isSafeInteger(value) && Number(value) >= 0,
};
export const seed: Rule = nonNegativeInteger;
/** Of 64 bits. */
export const wideSeed: Rule = {
  expected: 'a whole number ≥ 0 (a bigint below 2⁶⁴)',
  accepts: (value) => seed.accepts(value) || (typeof value === 'bigint' && value >= 0n && value < 1n << 64n),
};
export const boolean: Rule = { expected: 'true or false', accepts: (value) => typeof value === 'boolean' };
export const text: Rule = { expected: 'a name', accepts: (value) => typeof value === 'string' && value !== '' };
export const callable: Rule = { expected: 'a function', accepts: (value) => typeof value === 'function' };
export const weights: Rule = {
  expected: 'an array of numbers ≥ 0',
  accepts: (value) => isNumbers(value, (n) => n >= 0),
};
/** A learning rate: a number, or a schedule of it. */
export const rate: Rule = {
  expected: 'a number ≥ 0 or a function of the step',
  accepts: (value) => nonNegative.accepts(value) || callable.accepts(value),
};

export const abortSignal: Rule = { expected: 'an AbortSignal', accepts: (value) => value instanceof AbortSignal };

export function oneOf(...choices: readonly string[]): Rule {
  return { expected: choices.map((choice) => `'${choice}'`).join(' or '), accepts: (value) => choices.some((choice) => choice === value) };
}

export function either(a: Rule, b: Rule): Rule {
  return { expected: `${a.expected} or ${b.expected}`, accepts: (value) => a.accepts(value) || b.accepts(value) };
}

export function required(rule: Rule): Rule {
  return { ...rule, required: true };
}

/** A list of exactly `length` values of one rule. */
export function tuple(length: number, rule: Rule): Rule {
  return {
    expected: `a list of ${length}, each ${rule.expected}`,
    accepts: (value) => Array.isArray(value) && value.length === length && value.every((item) => rule.accepts(item)),
  };
}

/** What to keep of a value that was checked, so that it stays so: of a list a frozen copy. */
export function kept<T>(value: T): T {
  return Array.isArray(value) ? (Object.freeze([...(value as unknown[])]) as T) : value;
}

/** @returns what to keep of `value` @throws OptionError unless it is what the rule expects */
export function check<T>(what: string, name: string, value: T, rule: Rule): T {
  if (rule.accepts(value)) return kept(value);
  const advice = rangeAdvice(value) || rule.advice;
  throw new OptionError(`${what}: expected ${rule.expected} for ${name}, got ${show(value)}.${advice ? ` ${advice}` : ''}`);
}

/** What to say of a number, or a list with one, that is beyond float32. */
export function rangeAdvice(value: unknown): string {
  const numbers = isSequence(value) ? Array.from(value) : [value];
  return numbers.some((n) => Number.isFinite(n) && !isNumber(n)) ? 'Numbers are float32, up to 3.4e38.' : '';
}

/**
 * Options that are absent or undefined take their default and are not looked at.
 * @returns what to use and to keep of the options: a frozen copy, of the lists among them too
 * @throws OptionError for unknown or wrong ones
 */
export function checkOptions<Options extends object>(what: string, options: Options, rules: Rules<Options>): Options {
  const known: readonly string[] = Object.keys(rules);
  const noOptions = (got: string): OptionError =>
    new OptionError(`${what}: expected an object of options { ${known.join(', ')} }, got ${got}.${adviceInPlaceOf(rules, options)}`);
  if (typeof options !== 'object' || options === null) throw noOptions(show(options));
  // Nothing of a map or list has the name of an option, so that all would be as if left out.
  if (Symbol.iterator in options) throw noOptions(kindOf(options));
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    // Names of the fields of a tensor or a list say nothing to who gave it in place of options.
    if (!isRecord(options)) throw noOptions(kindOf(options));
    throw new OptionError(`${what}: expected ${known.length === 0 ? 'no options' : `options among ${known.join(', ')}`}, got ${name}.`);
  }
  const checked: Partial<Options> = {};
  for (const name of known as readonly (keyof Options & string)[]) {
    // Also what it inherits, and getters of its class: that is how the option is read.
    const value = options[name];
    if (value !== undefined || rules[name].required === true) checked[name] = check(what, name, value, rules[name]);
  }
  return Object.freeze(checked as Options);
}

/** What to do about a value in place of options: a size of the inputs, as other libraries ask for it, or the first option without its name. */
function adviceInPlaceOf(rules: Readonly<Record<string, Rule>>, value: unknown): string {
  const [first] = Object.entries(rules);
  if (typeof value === 'number' && ('affine' in rules || 'recurrentInit' in rules || rules.bias === boolean))
    return ' Sizes of inputs are inferred from the data: leave them out.';
  const isPlain = ['number', 'string', 'boolean'].includes(typeof value) || Array.isArray(value);
  return isPlain && first?.[1].accepts(value) ? ` Name it: { ${first[0]}: ${show(value)} }.` : '';
}

/** What kind of thing a value is, as errors say it: 'Float32Array', 'undefined', 'a function'. */
export function kindOf(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value === null ? null : typeof value);
  // The constructors of generators and of some classes have no name.
  return (value.constructor?.name ?? 'an object') || Object.prototype.toString.call(value);
}

/** A list or typed array, of any context. */
function isSequence(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value);
}

/** Whether it is a Map, of any context. */
export function isMap(value: unknown): value is ReadonlyMap<unknown, unknown> {
  return Object.prototype.toString.call(value) === '[object Map]';
}

/** Whether it is an object literal, which may hold arrays by name: no array, list, map or instance of some class. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return ['Object', 'an object'].includes(kindOf(value));
}

/** A value as errors say it, short. */
export function show(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  // Imported only now: node:util as an ES module loads all its parts, 2 ms of the import of this package.
  const { inspect } = process.getBuiltinModule('node:util');
  return inspect(value, { depth: 1, breakLength: Infinity, compact: true, maxArrayLength: 6 });
}
