/** Fields of a CSV file as numbers. */
import { FileError } from '../../errors.js';

/** Between the whole part of a number and the rest. */
export type DecimalSign = '.' | ',';

export interface NumberOptions {
  readonly decimal: DecimalSign;
  /** Texts that are NaN. */
  readonly missing: ReadonlySet<string>;
}

/** @throws FileError that names the place, unless the text is a number that a float32 holds, or missing */
export function numberOf(text: string, { decimal, missing }: NumberOptions, place: () => string): number {
  if (missing.has(text)) return NaN;
  const value = parse(text, decimal);
  if (Number.isFinite(Math.fround(value))) return value;
  const advice = Number.isNaN(value) ? ` ${adviceFor(text, decimal)}` : '';
  throw new FileError(`readCsv: expected a number that a float32 holds for ${place()}, got ${JSON.stringify(text)}.${advice}`);
}

function parse(text: string, decimal: DecimalSign): number {
  if (text === '') return NaN;
  // The signs change places, so that the other one is not taken for this one.
  return Number(decimal === '.' ? text : text.replaceAll(/[.,]/g, (sign) => (sign === '.' ? ',' : '.')));
}

/** Years, months and days in any order, or hours and minutes, whatever follows. */
const looksLikeTime = /^\d{1,4}([-/.])\d{1,2}\1\d{1,4}|^\d{1,2}:\d{2}/;

function adviceFor(text: string, decimal: DecimalSign): string {
  const other = decimal === '.' ? ',' : '.';
  const value = parse(text, other);
  if (Number.isFinite(value)) return `Give decimal: '${other}' to read it as ${value}.`;
  if (looksLikeTime.test(text)) return 'Give columns, the names of those to read, to leave out one of dates or times.';
  return `Give missing: [${JSON.stringify(text)}] to read it as NaN, categories for a column of texts, or columns to leave this one out.`;
}
