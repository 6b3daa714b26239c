/** Rows of texts as columns of numbers and categories, one row after the other. */
import { NdArray } from '../../array.js';
import { FileError, OptionError } from '../../errors.js';
import type { Pieces } from '../../pieces.js';
import { Blocks } from './blocks.js';
import { CategoryReader, categoryColumns } from './categories.js';
import type { CsvOptions, CsvTable } from './csv.js';
import { type NumberOptions, numberOf } from './csv-number.js';

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

/** Takes the rows of a file, the names of the columns first. */
export class CsvRows<Category extends string = never> {
  readonly #file: string;
  readonly #options: CsvOptions<Category>;
  readonly #numberOptions: NumberOptions;
  readonly #numbers: Blocks<Float32Array> = new Blocks((length) => new Float32Array(length));
  #names: readonly string[] | undefined;
  /** Known from the first row of numbers on. */
  #layout: Layout<Category> | undefined;
  #rows = 0;

  constructor(file: string, options: CsvOptions<Category>) {
    this.#file = file;
    this.#options = options;
    this.#numberOptions = { decimal: options.decimal ?? '.', missing: new Set(options.missing) };
  }

  /** @throws OptionError, FileError as readCsv */
  add(fields: readonly string[], line: number): void {
    const names = this.#names;
    if (names === undefined) {
      this.#names = fields.map((name) => name.trim());
      return;
    }
    if (fields.length !== names.length)
      throw new FileError(`readCsv: expected ${names.length} fields in each line of ${this.#file}, got ${fields.length} in line ${line}.`);
    this.#layout ??= layoutOf(this.#file, names, this.#options);
    for (const { place, reader } of this.#layout.texts) reader.add(fields[place]!.trim(), line, this.#file);
    for (const place of this.#layout.places)
      this.#numbers.push(numberOf(fields[place]!.trim(), this.#numberOptions, () => `${names[place]} in line ${line} of ${this.#file}`));
    this.#rows++;
  }

  /** The table of all rows. Yields between pieces of that work. @throws FileError if there are none */
  *table(): Pieces<CsvTable<Category>> {
    const [names, layout] = [this.#names, this.#layout];
    if (names === undefined || layout === undefined)
      throw new FileError(
        `readCsv: expected a line of names and lines of numbers in ${this.#file}, got ${names === undefined ? 'nothing' : 'names only'}.`,
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
function layoutOf<Category extends string>(file: string, known: readonly string[], options: CsvOptions<Category>): Layout<Category> {
  const texts = categoryColumns(options.categories).map(([name, given]) => ({
    name,
    place: placeOf(file, known, name),
    reader: new CategoryReader(name, given, options.unknown),
  }));
  const names = new Set<string>(texts.map(({ name }) => name));
  const places =
    options.columns?.map((name) => placeOf(file, known, name)) ??
    known.map((_, place) => place).filter((place) => !names.has(known[place]!));
  return { places, texts };
}

/** @throws OptionError unless one column has that name */
function placeOf(file: string, known: readonly string[], column: string): number {
  const place = known.indexOf(column);
  if (place < 0) throw new OptionError(`readCsv: expected columns among ${known.join(', ')} of ${file}, got ${JSON.stringify(column)}.`);
  if (known.includes(column, place + 1)) {
    throw new OptionError(
      `readCsv: expected names for columns that one column of ${file} has, got ${JSON.stringify(column)}, which several have. Rename them in the file, or leave columns out.`,
    );
  }
  return place;
}
