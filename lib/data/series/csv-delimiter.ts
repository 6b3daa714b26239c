/** What divides the fields of a CSV file. */
import type { CsvOptions } from './csv-options.js';

const usual = [',', ';', '\t', '|'] as const;

/**
 * What to do where the first line and the one that failed both have more fields, and as many, with another delimiter; otherwise ''. A delimiter that
 * is the decimal sign as well says nothing about how many there are.
 */
export function delimiterAdvice(
  first: readonly string[],
  failed: readonly string[],
  { delimiter = ',', decimal }: Pick<CsvOptions, 'delimiter' | 'decimal'>,
): string {
  const least = delimiter === decimal ? 1 : first.length;
  const partsOf = (fields: readonly string[], sign: string): number => fields.join(delimiter).split(sign).length;
  const [best] = usual
    .filter((sign) => !delimiter.includes(sign) && partsOf(first, sign) > least && partsOf(first, sign) === partsOf(failed, sign))
    .sort((a, b) => partsOf(first, b) - partsOf(first, a));
  return best === undefined ? '' : ` Give delimiter: ${JSON.stringify(best)}, at which the first line has ${partsOf(first, best)} fields.`;
}
