/** What divides the fields of a CSV file. */
const usual = [',', ';', '\t', '|'] as const;

/** What to do where the first line and the one that failed both have more fields, and as many, with another delimiter; otherwise ''. */
export function delimiterAdvice(first: readonly string[], failed: readonly string[], delimiter = ','): string {
  const partsOf = (fields: readonly string[], sign: string): number => fields.join(delimiter).split(sign).length;
  const [best] = usual
    .filter((sign) => !delimiter.includes(sign) && partsOf(first, sign) > first.length && partsOf(first, sign) === partsOf(failed, sign))
    .sort((a, b) => partsOf(first, b) - partsOf(first, a));
  return best === undefined ? '' : ` Give delimiter: ${JSON.stringify(best)}, at which the first line has ${partsOf(first, best)} fields.`;
}
