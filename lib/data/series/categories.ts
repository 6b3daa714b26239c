/** Columns of texts as ids. */
import { NdArray } from '../../array.js';
import { FileError } from '../../errors.js';
import type { Rule } from '../../options.js';

/** What stands in one line of a column. */
export interface Field {
  readonly text: string;
  /** From 1. */
  readonly line: number;
}

/** A column of texts: `categories[ids.data[row]]` is that of a row. */
export interface CategoryColumn<Category extends string> {
  readonly name: Category;
  readonly ids: NdArray<Int32Array>;
  readonly categories: readonly string[];
}

const differentTexts = (list: unknown): boolean =>
  Array.isArray(list) && list.every((text) => typeof text === 'string') && new Set(list).size === list.length;

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

function isList<Category extends string>(
  asked: readonly Category[] | Readonly<Record<Category, readonly string[]>>,
): asked is readonly Category[] {
  return Array.isArray(asked);
}

/** @throws FileError naming the first text that is not among the categories given, unless `unknown` */
export function categoriesOf<Category extends string>(
  file: string,
  name: Category,
  fields: readonly Field[],
  given: readonly string[] | undefined,
  unknown = false,
): CategoryColumn<Category> {
  const categories = given ?? [...new Set(fields.map(({ text }) => text))].sort();
  const places = new Map(categories.map((text, id) => [text, id]));
  const ids = fields.map(({ text, line }) => {
    const id = places.get(text) ?? (unknown ? categories.length : undefined);
    if (id !== undefined) return id;
    throw new FileError(
      `readCsv: expected one of ${categories.length} known categories for ${name} in line ${line} of ${file}, got ${JSON.stringify(text)}. Add it to categories, or give unknown: true.`,
    );
  });
  return { name, ids: new NdArray(Int32Array.from(ids), [ids.length]), categories };
}
