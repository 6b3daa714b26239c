/** How far read sequences are from what was to be read. */
import { DataError, OptionError } from '../errors.js';
import { kindOf } from '../options.js';

/** Anything in order: ids, words, or the characters of a text. */
export type Symbols = string | ArrayLike<unknown>;

/**
 * The least number of symbols to put in, leave out or replace that makes one sequence the other. Texts are taken by their code points.
 * @throws OptionError for what is no sequence
 * @see Levenshtein 1966, Binary codes capable of correcting deletions, insertions, and reversals
 */
export function editDistance(a: Symbols, b: Symbols): number {
  const [from, to] = [symbolsOf('editDistance', a), symbolsOf('editDistance', b)];
  let above = Array.from({ length: to.length + 1 }, (_, j) => j);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const replaced = above[j - 1]! + Number(from[i - 1] !== to[j - 1]);
      row.push(Math.min(replaced, above[j]! + 1, row[j - 1]! + 1));
    }
    above = row;
  }
  return above[to.length]!;
}

/**
 * Σ edit distances / Σ lengths of what was expected: the error rate of characters for texts or lists of ids, of words for lists of words.
 * @throws OptionError for what are no lists of sequences; DataError for lists of different lengths, or if nothing at all was expected
 */
export function errorRate(predicted: readonly Symbols[], expected: readonly Symbols[]): number {
  for (const [name, value] of Object.entries({ predicted, expected })) checkList(name, value);
  if (predicted.length !== expected.length)
    throw new DataError(`errorRate: expected a sequence for each of ${expected.length}, got ${predicted.length}.`);
  const length = expected.reduce((n, sequence) => n + symbolsOf('errorRate', sequence).length, 0);
  if (length === 0) throw new DataError('errorRate: expected something to be read, got empty sequences alone.');
  return expected.reduce((total, sequence, i) => total + editDistance(predicted[i]!, sequence), 0) / length;
}

/** A text or an array has parts that could be taken for sequences. @throws OptionError unless it is a list */
function checkList(name: string, value: unknown): void {
  if (Array.isArray(value)) return;
  throw new OptionError(
    `errorRate: expected a list of texts or lists for ${name}, got ${kindOf(value)}. Put a single one in a list: [text]; of an array give toNested().`,
  );
}

function symbolsOf(what: string, value: Symbols): ArrayLike<unknown> {
  if (typeof value === 'string') return Array.from(value);
  const given: unknown = value;
  if (typeof given === 'object' && given !== null && 'length' in given) return value;
  throw new OptionError(`${what}: expected texts or lists, got ${kindOf(given)}.`);
}
