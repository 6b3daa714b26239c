/** Rows of texts as columns of numbers and categories, one row after the other. */
import { NdArray } from '../../array.js';
import { FileError, OptionError } from '../../errors.js';
import type { Pieces } from '../../pieces.js';
import { Blocks } from './blocks.js';
import { CategoryReader, categoryColumns } from './categories.js';
import { delimiterAdvice } from './csv-delimiter.js';
import { type NumberOptions, isNumber, numberOf, signAdvice, textAdvice } from './csv-number.js';
import type { CsvOptions, CsvTable } from './csv-options.js';

interface TextColumn<Category extends string> {
  readonly name: Category;
  readonly place: number;
  readonly reader: CategoryReader;
}

/** What is read from each row, and from where in it. */
interface Layout<Category extends string> {
  readonly places: readonly number[];
  readonly texts: readonly TextColumn<Category>[];
}

/** Takes the rows of a file, the names of the columns first if it has them. */
export class CsvRows<Category extends string = never> {
  readonly #file: string;
  readonly #options: CsvOptions<Category>;
  readonly #numberOptions: NumberOptions;
  readonly #numbers: Blocks<Float32Array> = new Blocks((length) => new Float32Array(length));
  #first: readonly string[] | undefined;
  #names: readonly string[] = [];
  /** Known from the first row of numbers on. */
  #layout: Layout<Category> | undefined;
  #rows = 0;
  /** Lines without fields since the last row of a file of one column. */
  readonly #empty: number[] = [];

  constructor(file: string, options: CsvOptions<Category>) {
    this.#file = file;
    this.#options = options;
    this.#numberOptions = { decimal: options.decimal ?? '.', missing: new Set(options.missing) };
  }

  /** Takes an empty line: an empty field if the file has one column, and another row; otherwise nothing. */
  addEmpty(line: number): void {
    if (this.#names.length === 1) this.#empty.push(line);
  }

  /** @throws OptionError, FileError as readCsv */
  add(fields: readonly string[], line: number): void {
    if (this.#first === undefined) {
      this.#first = fields;
      this.#names = this.#namesFrom(fields, line);
      if (this.#options.header !== false) return;
    }
    const names = this.#names;
    if (fields.length !== names.length)
      throw new FileError(
        `readCsv: expected ${names.length} fields in each line of ${this.#file}, got ${fields.length} in line ${line}.${delimiterAdvice(this.#first, fields, this.#options)}`,
      );
    this.#layout ??= layoutOf(
      this.#file,
      names,
      this.#options,
      () => delimiterAdvice(this.#first!, fields, this.#options) + this.#headerAdvice(),
    );
    for (const empty of this.#empty.splice(0)) this.#push([''], empty, this.#layout, fields);
    this.#push(fields, line, this.#layout);
  }

  /** @param whole fields that tell how lines are divided */
  #push(fields: readonly string[], line: number, { texts, places }: Layout<Category>, whole = fields): void {
    for (const { place, reader } of texts) reader.add(fields[place]!, line, this.#file);
    for (const place of places) {
      const name = this.#names[place]!;
      const where = (): string => `${name} in line ${line} of ${this.#file}`;
      const text = fields[place]!.trim();
      this.#numbers.push(numberOf(text, this.#numberOptions, where, () => this.#numberAdvice(text, name, whole)));
    }
    this.#rows++;
  }

  /** Of a line in one piece the delimiter is in doubt before the signs of its numbers. */
  #numberAdvice(text: string, name: string, fields: readonly string[]): string {
    const delimiter = delimiterAdvice(this.#first!, fields, this.#options);
    const signs = signAdvice(text, this.#numberOptions.decimal);
    const own = this.#first!.length > 1 ? signs || delimiter : delimiter || signs;
    return (own || textAdvice(text, name)) + this.#headerAdvice();
  }

  /** What to do where a number among the names may be data; otherwise ''. */
  #headerAdvice(): string {
    const options = { ...this.#numberOptions, missing: new Set<string>() };
    const inDoubt = this.#options.header === undefined && this.#names.some((name) => isNumber(name, options));
    return inDoubt ? ' Give header: false if the first line is data.' : '';
  }

  /** @throws FileError for a first line of numbers, unless the options say what it is, or ask for columns of these names */
  #namesFrom(fields: readonly string[], line: number): readonly string[] {
    const { header, columns, categories } = this.#options;
    if (header === false) return fields.map((_, place) => String(place));
    const names = fields.map((name) => name.trim().normalize());
    const asked = [...(columns ?? []), ...categoryColumns(categories).map(([name]) => name)];
    const areNames = asked.length > 0 && asked.every((name) => names.includes(name.normalize()));
    // Tables with a column of row numbers often leave it without a name, before columns that may be named by years or places.
    if (header === undefined && !areNames && names[0] !== '' && names.every((name) => isNumber(name, this.#numberOptions)))
      throw new FileError(
        `readCsv: expected names of columns in line ${line} of ${this.#file}, got numbers alone. Give header: false if they are data, header: true if they are names.`,
      );
    return names;
  }

  /** The table of all rows. Yields between pieces of that work. @throws FileError if there are none */
  *table(): Pieces<CsvTable<Category>> {
    const [names, layout] = [this.#names, this.#layout];
    if (layout === undefined)
      throw new FileError(
        `readCsv: expected a line of names and lines of numbers in ${this.#file}, got ${this.#first === undefined ? 'nothing' : 'names only'}.`,
      );
    const data = yield* this.#numbers.joined();
    const ids: [Category, NdArray<Int32Array>][] = [];
    const categories: [Category, readonly string[]][] = [];
    for (const { name, reader } of layout.texts) {
      const column = yield* reader.column();
      ids.push([name, column.ids]);
      categories.push([name, column.categories]);
    }
    return {
      data: new NdArray(data, [this.#rows, layout.places.length]),
      columns: layout.places.map((place) => names[place]!),
      ids: Object.fromEntries(ids) as CsvTable<Category>['ids'],
      categories: Object.fromEntries(categories) as CsvTable<Category>['categories'],
    };
  }
}

/** @throws OptionError for a name that no column has or several have */
function layoutOf<Category extends string>(
  file: string,
  known: readonly string[],
  options: CsvOptions<Category>,
  advice: () => string,
): Layout<Category> {
  const placeOf = (name: string): number => placeIn(file, known, name, advice);
  const texts = categoryColumns(options.categories).map(([name, given]) => ({
    name,
    place: placeOf(name),
    reader: new CategoryReader(name, given, options.unknown, options.minFrequency),
  }));
  const taken = new Set(texts.map(({ place }) => place));
  const places = options.columns?.map(placeOf) ?? [...known.keys()].filter((place) => !taken.has(place));
  return { places, texts };
}

/** @throws OptionError unless one column has that name */
function placeIn(file: string, known: readonly string[], column: string, advice: () => string): number {
  const name = column.normalize();
  const place = known.indexOf(name);
  if (place < 0)
    throw new OptionError(`readCsv: expected columns among ${known.join(', ')} of ${file}, got ${JSON.stringify(column)}.${advice()}`);
  if (known.includes(name, place + 1)) {
    throw new OptionError(
      `readCsv: expected names for columns that one column of ${file} has, got ${JSON.stringify(column)}, which several have. Rename them in the file, or leave columns out.`,
    );
  }
  return place;
}
