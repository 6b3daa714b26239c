import { readFile } from 'node:fs/promises';
import { NdArray, checkIntact } from '../../array.js';
import { DataError, FileError, ShapeError, formatShape } from '../../errors.js';
import { boolean, checkOptions, count, oneOf, kindOf } from '../../options.js';
import { type Path, pathOf } from '../../paths.js';
import { writeAtomically } from '../../persistence/atomic.js';
import { reasonOf } from '../../reason.js';
import { checkAttached, isView } from '../../typed-arrays.js';
import { type TokenUnit, tokenize, untokenize } from './tokenize.js';

/** Options of {@link Vocabulary.from}. */
export interface VocabularyOptions {
  /**
   * 'character': code points as they are; 'word': words, and each other character or emoji, in lower case and normal form (NFC), without soft
   * hyphens. Spaces and marks divide words, which Chinese, Japanese or Thai does not write: divide such a text by Intl.Segmenter first, or
   * take characters. Default: 'character'.
   */
  readonly unit?: TokenUnit | undefined;
  /** Tokens seen less often are left out. Default: 1. */
  readonly minFrequency?: number | undefined;
  /** Most tokens, reserved ones included; the most frequent stay. Default: no limit. */
  readonly maxSize?: number | undefined;
  /** Reserve an id for tokens that are not in the vocabulary; without it they are errors. Default: false. */
  readonly unknown?: boolean | undefined;
  /** Reserve id 0 for filling up short sequences. Default: false. */
  readonly padding?: boolean | undefined;
}

/** Names of reserved ids: longer than a character and no words, so that no text contains them as tokens. */
const paddingToken = '<pad>';
const unknownToken = '<unk>';

/** The file's first field, so that other JSON is not taken for a vocabulary. */
const format = 'lanewise vocabulary 1';

/**
 * Numbers the tokens of a text: its code points (never halves of them) or its words. Reserved ids come first, padding before unknown;
 * then tokens by falling frequency and, where that is equal, in order of their code points, so that one text always gives one numbering.
 *
 *   const vocabulary = Vocabulary.from(book);
 *   const ids = vocabulary.encode(book); // Int32Array
 */
export class Vocabulary {
  readonly unit: TokenUnit;
  /** The token of each id. */
  readonly tokens: readonly string[];
  /** The id for filling up, if one is reserved. */
  readonly paddingId: number | undefined;
  /** The id of tokens that are not in the vocabulary, if one is reserved. */
  readonly unknownId: number | undefined;
  readonly #ids: ReadonlyMap<string, number>;

  private constructor(unit: TokenUnit, tokens: readonly string[]) {
    this.unit = unit;
    this.tokens = Object.freeze([...tokens]);
    this.#ids = new Map(tokens.map((token, id) => [token, id]));
    this.paddingId = this.#ids.get(paddingToken);
    this.unknownId = this.#ids.get(unknownToken);
  }

  /**
   * Counts the tokens of a text, or of several, at once on the calling thread.
   * @throws OptionError for wrong options; DataError for anything but texts or if no token is left
   */
  static from(texts: string | Iterable<string>, options: VocabularyOptions = {}): Vocabulary {
    checkOptions('Vocabulary', options, {
      unit: oneOf('character', 'word'),
      minFrequency: count,
      maxSize: count,
      unknown: boolean,
      padding: boolean,
    });
    const { unit = 'character', minFrequency = 1, maxSize = Infinity, unknown = false, padding = false } = options;
    const frequencies = new Map<string, number>();
    for (const text of textsOf(texts)) {
      checkText('Vocabulary', text);
      for (const token of tokenize(text, unit)) frequencies.set(token, (frequencies.get(token) ?? 0) + 1);
    }
    const reserved = [...(padding ? [paddingToken] : []), ...(unknown ? [unknownToken] : [])];
    const found = [...frequencies]
      .filter(([, frequency]) => frequency >= minFrequency)
      .sort(([a, m], [b, n]) => n - m || compareCodePoints(a, b))
      .slice(0, Math.max(0, maxSize - reserved.length))
      .map(([token]) => token);
    if (found.length === 0) {
      throw new DataError(
        `Vocabulary: expected a text with tokens to keep, got ${frequencies.size === 0 ? 'an empty one' : `${frequencies.size} of which minFrequency and maxSize keep none`}. Give it more text or other limits.`,
      );
    }
    return new Vocabulary(unit, [...reserved, ...found]);
  }

  /** Number of ids. */
  get size(): number {
    return this.tokens.length;
  }

  /** The id of a token, or undefined. */
  idOf(token: string): number | undefined {
    return this.#ids.get(token);
  }

  /**
   * The ids of a text's tokens.
   * @throws DataError naming the first token that is not in the vocabulary, unless an id is reserved for such, or if it is no text
   */
  encode(text: string): Int32Array {
    checkText('Vocabulary.encode', text);
    // A text has at most as many tokens as UTF-16 units.
    const ids = new Int32Array(text.length);
    let length = 0;
    for (const token of tokenize(text, this.unit)) {
      const id = this.#ids.get(token) ?? this.unknownId;
      if (id === undefined) {
        throw new DataError(
          `Vocabulary.encode: expected ${this.unit}s among the ${this.size} of the vocabulary, got ${JSON.stringify(token)} at ${length}. Build it from all texts, or with unknown: true.`,
        );
      }
      ids[length++] = id;
    }
    return ids.slice(0, length);
  }

  /**
   * The text of ids, a list or an array [T]; padding is left out.
   * @throws DataError for what is no list, or naming the first number that is no id; ShapeError for an array of another rank; StateError if their buffer is gone
   */
  decode(ids: Iterable<number> | NdArray): string {
    const tokens: string[] = [];
    let position = 0;
    for (const id of idsOf(ids)) {
      const token = this.tokens[id];
      if (token === undefined) {
        throw new DataError(`Vocabulary.decode: expected ids 0 … ${this.size - 1}, got ${id} at ${position}.`);
      }
      if (id !== this.paddingId) tokens.push(token);
      position++;
    }
    return untokenize(tokens, this.unit);
  }

  /** Writes the vocabulary as JSON, complete or not at all. @throws FileError */
  async save(path: Path): Promise<void> {
    await writeAtomically(pathOf('Vocabulary.save', 'path', path), [
      Buffer.from(`${JSON.stringify({ format, unit: this.unit, tokens: this.tokens })}\n`),
    ]);
  }

  /** Reads what save wrote: the same ids. @throws FileError if it cannot be read or is something else */
  static async load(path: Path): Promise<Vocabulary> {
    const file = pathOf('Vocabulary.load', 'path', path);
    const fail = (cause: unknown): never => {
      throw new FileError(`Vocabulary.load: expected to read ${file}, got ${reasonOf(cause)}.`, { cause });
    };
    const text = await readFile(file, 'utf8').catch(fail);
    try {
      return fromJson(JSON.parse(text), (unit, tokens) => new Vocabulary(unit, tokens));
    } catch (cause) {
      return fail(cause);
    }
  }
}

/** @throws DataError if there are none: bytes would give their numbers one by one */
function textsOf(texts: string | Iterable<string>): Iterable<string> {
  if (typeof texts === 'string') return [texts];
  const given: unknown = texts;
  if (typeof given !== 'object' || given === null || !(Symbol.iterator in given) || ArrayBuffer.isView(given))
    throw new DataError(`Vocabulary: expected a text or a list of texts, got ${kindOf(given)}.${textAdvice(given)}`);
  return texts;
}

function idsOf(ids: Iterable<number> | NdArray): Iterable<number> {
  if (ids instanceof NdArray) {
    checkIntact('Vocabulary.decode', 'ids', ids);
    if (ids.rank === 1) return ids.data;
    throw new ShapeError(`Vocabulary.decode: expected ids of rank 1 [T], got ${formatShape(ids.shape)}. Decode a row at a time.`);
  }
  const given: unknown = ids;
  if (typeof given !== 'object' || given === null || !(Symbol.iterator in given))
    throw new DataError(`Vocabulary.decode: expected a list or an array of ids, got ${kindOf(given)}.`);
  if (isView(given)) checkAttached('Vocabulary.decode', given);
  return ids;
}

function checkText(what: string, text: unknown): void {
  if (typeof text !== 'string') throw new DataError(`${what}: expected a text, got ${kindOf(text)}.${textAdvice(text)}`);
}

/** How texts are made of bytes, or of what gives them one after the other; otherwise ''. */
function textAdvice(given: unknown): string {
  if (ArrayBuffer.isView(given)) return ' Make bytes a text first: new TextDecoder().decode(bytes).';
  if (typeof given !== 'object' || given === null || !(Symbol.asyncIterator in given)) return '';
  return ' Gather its texts in a list first: for await (const text of given) list.push(text).';
}

/** @throws Error that says what came instead */
function fromJson(value: unknown, make: (unit: TokenUnit, tokens: readonly string[]) => Vocabulary): Vocabulary {
  if (typeof value !== 'object' || value === null || !('format' in value) || value.format !== format)
    throw new Error(`JSON without the field "format": "${format}"`);
  if (!('unit' in value) || (value.unit !== 'character' && value.unit !== 'word')) throw new Error('a vocabulary of unknown unit');
  const tokens: unknown = 'tokens' in value ? value.tokens : undefined;
  if (!Array.isArray(tokens) || !tokens.every((token) => typeof token === 'string' && token !== ''))
    throw new Error('a vocabulary whose tokens are no list of texts');
  if (new Set(tokens).size !== tokens.length) throw new Error('a vocabulary with one token twice');
  return make(value.unit, tokens as readonly string[]);
}

/** Order of code points, where comparing strings would give that of UTF-16 units. */
function compareCodePoints(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)];
  const at = left.findIndex((character, i) => character !== right[i]);
  return at < 0 ? left.length - right.length : left[at]!.codePointAt(0)! - (right[at]?.codePointAt(0) ?? -1);
}
