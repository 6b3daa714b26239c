/** Fields of a CSV file as numbers. */
import { FileError } from '../../errors.js';

/** Between the whole part of a number and the rest. */
export type DecimalSign = '.' | ',';

export interface NumberOptions {
  readonly decimal: DecimalSign;
  /** Texts that are NaN. */
  readonly missing: ReadonlySet<string>;
}

/**
 * @param place names the field
 * @param advice what to do about a text that is none
 * @throws FileError that names the place, unless the text is a number that a float32 holds, or missing
 */
export function numberOf(text: string, { decimal, missing }: NumberOptions, place: () => string, advice: () => string): number {
  if (missing.has(text)) return NaN;
  const value = parse(text, decimal);
  if (Number.isFinite(Math.fround(value))) return value;
  const help = Number.isNaN(value) ? advice() : '';
  throw new FileError(`readCsv: expected a number that a float32 holds for ${place()}, got ${JSON.stringify(text)}.${help}`);
}

/** Whether a field is a number, or stands for a missing one. */
export function isNumber(text: string, { decimal, missing }: NumberOptions): boolean {
  return missing.has(text) || !Number.isNaN(parse(text, decimal));
}

const number = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** NaN for what is no number. */
function parse(text: string, decimal: DecimalSign): number {
  const usual = withPoint(text, decimal);
  return number.test(usual) ? Number(usual) : NaN;
}

/** The signs change places where the decimal sign is ',', so that the other one is not taken for it. */
function withPoint(text: string, decimal: DecimalSign): string {
  return decimal === '.' ? text : text.replaceAll(/[.,]/g, (sign) => (sign === '.' ? ',' : '.'));
}

/** Years, months and days in any order, or hours and minutes, whatever follows. */
const looksLikeTime = /^\d{1,4}([-/.])\d{1,2}\1\d{1,4}|^\d{1,2}:\d{2}/;
/** With the decimal sign '.'. */
const looksLikeThousands = /^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?$/;

/** What to do about a text that is a number by other signs; otherwise ''. */
export function signAdvice(text: string, decimal: DecimalSign): string {
  const other = decimal === '.' ? ',' : '.';
  const value = parse(text, other);
  const ways = Number.isNaN(value) ? [] : [`Give decimal: '${other}' to read it as ${value}`];
  const usual = withPoint(text, decimal);
  if (looksLikeThousands.test(usual))
    ways.unshift(`Take the signs between thousands out of the file to read it as ${usual.replaceAll(',', '')}`);
  return ways.map((way) => ` ${way}.`).join('');
}

/** What to do about a text that is no number, in the column of that name. */
export function textAdvice(text: string, name: string): string {
  const texts = `categories: [${JSON.stringify(name)}]`;
  if (looksLikeTime.test(text))
    return ` Give columns, the names of those to read, to leave out one of dates or times, or ${texts} to have its texts, for Date.parse or the like.`;
  const missing = `missing: [${JSON.stringify(text)}] to read it as NaN`;
  if (text === '') return ` Give ${missing}, or columns to leave this one out.`;
  return ` Give ${texts} for a column of texts, columns to leave this one out, or ${missing}.`;
}
