/** Columns of texts as ids. */
import { NdArray } from '../../array.js';
import { FileError, OptionError } from '../../errors.js';
import type { Rule } from '../../options.js';
import type { Pieces } from '../../pieces.js';
import { Blocks } from './blocks.js';

/** A column of texts: `categories[ids.data[row]]` is that of a row, unless it is unknown or rare, with the id after theirs. */
export interface CategoryColumn {
  readonly ids: NdArray<Int32Array>;
  readonly categories: readonly string[];
}

/** Texts between two turns of the event loop: a million different ones take a second to sort. */
const atOnce = 2 ** 12;

const differentTexts = (list: unknown): boolean =>
  Array.isArray(list) &&
  list.every((text) => typeof text === 'string') &&
  new Set(list.map((text) => text.normalize())).size === list.length;

/** Known categories of some columns. */
export const categoryLists: Rule = {
  expected: 'an object with a list of different texts for each column',
  accepts: (value) => typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(differentTexts),
};

/** The columns asked for, each with the categories given for it. */
export function categoryColumns<Category extends string>(
  asked: readonly Category[] | Readonly<Record<Category, readonly string[]>> = [],
): readonly (readonly [name: Category, given: readonly string[] | undefined])[] {
  return isList(asked) ? asked.map((name) => [name, undefined]) : (Object.entries(asked) as [Category, readonly string[]][]);
}

/** @throws OptionError unless the texts of the categories are given: of those that are found none is unknown */
export function checkUnknown(asked: readonly string[] | Readonly<Record<string, readonly string[]>> | undefined): void {
  if (asked !== undefined && !isList(asked)) return;
  throw new OptionError(
    `readCsv: expected categories that another file was read with for unknown: true, got ${asked === undefined ? 'none' : 'names alone'}. Give those, or leave unknown out; minFrequency reads rare texts as unknown.`,
  );
}

/** @throws OptionError unless the texts of the categories are to be found: of those that are given none is rare */
export function checkRare(asked: readonly string[] | Readonly<Record<string, readonly string[]>> | undefined): void {
  if (asked !== undefined && isList(asked)) return;
  throw new OptionError(
    `readCsv: expected names of columns as categories for minFrequency, got ${asked === undefined ? 'none' : 'categories that are given'}. Leave minFrequency out${asked === undefined ? '' : '; unknown: true reads all others as unknown'}.`,
  );
}

function isList<Category extends string>(
  asked: readonly Category[] | Readonly<Record<Category, readonly string[]>>,
): asked is readonly Category[] {
  return Array.isArray(asked);
}

/** Takes the texts of a column one by one. */
export class CategoryReader {
  readonly #name: string;
  readonly #given: readonly string[] | undefined;
  readonly #unknown: boolean;
  readonly #minFrequency: number;
  /** Ids of the categories given, or of those found in the order they are found in. */
  readonly #places: Map<string, number>;
  /** How often each category is found, unless they are given. */
  readonly #frequencies: number[] = [];
  readonly #ids: Blocks<Int32Array> = new Blocks((length) => new Int32Array(length));

  constructor(name: string, given: readonly string[] | undefined, unknown = false, minFrequency = 1) {
    this.#name = name;
    this.#given = given;
    this.#unknown = unknown;
    this.#minFrequency = minFrequency;
    this.#places = new Map(given?.map((text, id) => [text.normalize(), id]));
  }

  /** @throws FileError if the text is not among the categories given, unless unknown ones have an id */
  add(field: string, line: number, file: string): void {
    const text = field.trim().normalize();
    const id = this.#places.get(text) ?? this.#newId(text, line, file);
    if (this.#given === undefined) this.#frequencies[id] = (this.#frequencies[id] ?? 0) + 1;
    this.#ids.push(id);
  }

  #newId(text: string, line: number, file: string): number {
    if (this.#given === undefined) {
      this.#places.set(text, this.#places.size);
      return this.#places.size - 1;
    }
    if (this.#unknown) return this.#given.length;
    throw new FileError(
      `readCsv: expected one of ${this.#given.length} known categories for ${this.#name} in line ${line} of ${file}, got ${JSON.stringify(text)}. Add it to categories, or give unknown: true.`,
    );
  }

  /** The column of all texts. Yields between pieces of that work. */
  *column(): Pieces<CategoryColumn> {
    if (this.#given !== undefined) return { ids: toArray(yield* this.#ids.joined()), categories: this.#given };
    const texts = yield* sorted([...this.#places.keys()]);
    const categories: string[] = [];
    const order = new Int32Array(texts.length).fill(texts.length);
    for (const [i, text] of texts.entries()) {
      const found = this.#places.get(text)!;
      if (this.#frequencies[found]! >= this.#minFrequency) order[found] = categories.push(text) - 1;
      if (i % atOnce === 0) yield;
    }
    return { ids: toArray(yield* this.#ids.joined((found) => Math.min(order[found]!, categories.length))), categories };
  }
}

function toArray(ids: Int32Array): NdArray<Int32Array> {
  return new NdArray(ids, [ids.length]);
}

/** Texts in order of their UTF-16 units, by merging sorted runs. */
function* sorted(texts: readonly string[]): Pieces<readonly string[]> {
  let runs: (readonly string[])[] = [];
  for (let begin = 0; begin < texts.length; begin += atOnce) {
    runs.push(texts.slice(begin, begin + atOnce).sort());
    yield;
  }
  while (runs.length > 1) {
    const merged: (readonly string[])[] = [];
    for (let i = 0; i < runs.length; i += 2) merged.push(yield* merge(runs[i]!, runs[i + 1] ?? []));
    runs = merged;
  }
  return runs[0] ?? [];
}

function* merge(a: readonly string[], b: readonly string[]): Pieces<readonly string[]> {
  const merged: string[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    merged.push(j === b.length || (i < a.length && a[i]! < b[j]!) ? a[i++]! : b[j++]!);
    if (merged.length % atOnce === 0) yield;
  }
  return merged;
}
