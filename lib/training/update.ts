/** What a step makes of its gradients: clipping, then the optimizer on flat vectors and on rows of tables. */
import type { Write } from '../compile/program.js';
import { ShapeError, formatShape } from '../errors.js';
import { label } from '../graph/label.js';
import { type MemorySlot, source } from '../graph/source.js';
import { type Shape, sameShape, sizeOf } from '../graph/shape.js';
import { Tensor } from '../graph/tensor.js';
import type { Entry } from '../model/layout.js';
import type { PlacedWeights } from '../model/placed-weights.js';
import type { WeightMemory } from '../model/weight-memory.js';
import { gotReturned } from '../returned.js';
import { add, clip, div, minimum, mul, sqrt, where } from '../ops/elementwise.js';
import { gatherRows } from '../ops/gather.js';
import { sumSquares } from '../ops/reduce.js';
import { type RowGradient, mergedRows, metRows, rowGradient } from '../ops/row-gradient.js';
import { pack, reshape, slice } from '../ops/shape.js';
import type { Optimizer, Update } from '../optimizers/optimizer.js';
import type { WaitingTable } from './gradient-memory.js';
import { optimizersByEntry } from './groups.js';
import type { Recipe } from './recipe.js';
import { scalarTensors } from './scalars.js';
import type { Slots } from './slots.js';

/** Parameters that are updated together. */
interface Stretch {
  readonly optimizer: Optimizer;
  readonly gradient: Tensor;
  /** One for each memory that they lie in, and for each run there. */
  readonly parts: readonly Part[];
}

/** How values lie in a memory laid out like the parameters. */
interface Part {
  readonly base: Base;
  /** The part of something that is laid out like the gradient. */
  readonly of: (gradient: Tensor) => Tensor;
  /** The values from before the step. */
  readonly read: (slot: MemorySlot, byteOffset: number) => Tensor;
  readonly write: (slot: MemorySlot, byteOffset: number, value: Tensor) => Write;
}

/** Where a memory has parameters in the order of the model's. */
interface Base {
  readonly memory: WeightMemory;
  /** The element there that is the first of the layout; less than 0 where only later ones are. */
  readonly begin: number;
}

/**
 * The writes of new parameters and slots, and the norm of all gradients before clipping.
 * @param gradients of the parameters that are updated: neither what is frozen nor what the loss does not depend on
 * @param scalars the memory of the optimizers' numbers
 */
export function updates(
  recipe: Recipe,
  slots: Slots,
  gradients: ReadonlyMap<Entry, Tensor | WaitingTable>,
  scalars: MemorySlot,
): { readonly writes: readonly Write[]; readonly gradientNorm: Tensor } {
  const { weights } = recipe.model.built;
  const given = stretchesOf(optimizersByEntry(weights.layout, recipe), weights, gradients);
  const numbers = scalarTensors(recipe, scalars);
  const writes = clipped(given, recipe).flatMap(({ optimizer, gradient, parts }) =>
    parts.flatMap((part) => writesOf(part, part.of(gradient), optimizer, numbers.get(optimizer)!, slots)),
  );
  return { writes, gradientNorm: normOf(given) };
}

function writesOf(
  { base, read, write }: Part,
  gradient: Tensor,
  optimizer: Optimizer,
  numbers: Readonly<Record<string, Tensor>>,
  slots: Slots,
): readonly Write[] {
  const place = [base.memory.slot, base.begin * 4] as const;
  const old = Object.fromEntries(optimizer.slots.map((name) => [name, read(slots.slot, slots.offset(name))]));
  const before = read(...place);
  const update = updateOf(optimizer, optimizer.update(before, gradient, old, numbers));
  const checked = (what: string, value: Tensor | undefined): Tensor => updated(optimizer, what, value, before.shape);
  const writes = [
    write(...place, checked('parameter', update.parameter)),
    ...optimizer.slots.map((name) => write(slots.slot, slots.offset(name), checked(`slot ${name}`, update.slots?.[name]))),
  ];
  label(writes.map(({ value }) => value), optimizer.constructor.name); // prettier-ignore
  return writes;
}

/** @throws ShapeError for what has no parameter */
function updateOf(optimizer: Optimizer, update: unknown): Partial<Update> {
  if (typeof update === 'object' && update !== null && 'parameter' in update) return update as Partial<Update>;
  const expected = '{ parameter, slots } from update';
  throw new ShapeError(`${optimizer.constructor.name}: expected ${expected}, ${gotReturned(update, 'Return both.')}`);
}

/** @throws ShapeError unless an optimizer gives what takes the place of the old value */
function updated(optimizer: Optimizer, what: string, value: unknown, shape: Shape): Tensor {
  if (value instanceof Tensor && sameShape(value.shape, shape) && value.dtype === 'float32') return value;
  const got = value instanceof Tensor ? `${value.dtype} ${formatShape(value.shape)}` : undefined;
  throw new ShapeError(
    `${optimizer.constructor.name}: expected float32 ${formatShape(shape)} for ${what} from update, ${gotReturned(value, '', got)}`,
  );
}

/** Tables of which only rows are updated, and the runs of parameters of one optimizer between them. */
function stretchesOf(
  optimizers: ReadonlyMap<Entry, Optimizer>,
  weights: PlacedWeights,
  gradients: ReadonlyMap<Entry, Tensor | WaitingTable>,
): readonly Stretch[] {
  const stretches: Stretch[] = [];
  let run: { readonly entry: Entry; readonly gradient: Tensor }[] = [];
  const endRun = (end: number): void => {
    if (run.length > 0) stretches.push(flat(optimizers.get(run[0]!.entry)!, run, end, weights));
    run = [];
  };
  for (const entry of weights.layout.parameters) {
    const optimizer = optimizers.get(entry)!;
    const given = gradients.get(entry);
    const gradient = given instanceof Tensor ? given : given?.gradient;
    const byRows = given && rowStretch(optimizer, entry, baseOf(entry, weights), given);
    if (gradient !== undefined && byRows === undefined) {
      if (run.length > 0 && optimizers.get(run[0]!.entry) !== optimizer) endRun(entry.offset);
      run.push({ entry, gradient });
      continue;
    }
    endRun(entry.offset);
    if (byRows !== undefined) stretches.push(byRows);
  }
  endRun(weights.layout.parameterSize);
  return stretches;
}

function baseOf({ path, offset }: Entry, weights: PlacedWeights): Base {
  const { memory, at } = weights.place(path);
  return { memory, begin: at - offset };
}

/** One vector from the first parameter up to `end`, in elements. */
function flat(
  optimizer: Optimizer,
  run: readonly { readonly entry: Entry; readonly gradient: Tensor }[],
  end: number,
  weights: PlacedWeights,
): Stretch {
  const begin = run[0]!.entry.offset;
  const offsets = run.map(({ entry }) => entry.offset - begin);
  const gradient = pack(run.map((one) => one.gradient), offsets, end - begin); // prettier-ignore
  const bases = run.map(({ entry }) => baseOf(entry, weights));
  const isSame = (a: Base, b: Base | undefined): boolean => a.memory === b?.memory && a.begin === b.begin;
  const firsts = bases.flatMap((base, i) => (isSame(base, bases[i - 1]) ? [] : [i]));
  const parts = firsts.map((first, i): Part => {
    const [from, to] = [offsets[first]!, offsets[firsts[i + 1] ?? offsets.length] ?? end - begin];
    return {
      base: bases[first]!,
      of: (all) => (firsts.length === 1 ? all : slice(all, [from], [to - from])),
      read: (slot, byteOffset) => source(slot, byteOffset + (begin + from) * 4, [to - from]),
      write: (slot, byteOffset, value) => ({ value, slot, byteOffset: byteOffset + (begin + from) * 4, commit: true }),
    };
  });
  return { optimizer, gradient, parts };
}

/** What is updated in one go. */
function alone(optimizer: Optimizer, gradient: Tensor, part: Omit<Part, 'of'>): Stretch {
  return { optimizer, gradient, parts: [{ ...part, of: (all) => all }] };
}

/** The rows of a table the batches met, if that is what the gradient consists of and it is right and worth while to update these alone. */
function rowStretch(optimizer: Optimizer, entry: Entry, base: Base, given: Tensor | WaitingTable): Stretch | undefined {
  const leavesAlone = entry.lazy && !optimizer.restsAtZero;
  if (!(given instanceof Tensor)) return leavesAlone ? maskedRows(optimizer, entry, base, given.gradient, given.met) : undefined;
  const rows = rowGradient(given);
  if (rows === undefined) return undefined;
  const isLarge = entry.shape[0]! > rowsPerId * rows.ids.size;
  if (isLarge && (entry.lazy || optimizer.restsAtZero)) return someRows(optimizer, entry, base, rows);
  return leavesAlone ? maskedRows(optimizer, entry, base, given, metRows(given)) : undefined;
}

/**
 * Rows of a table for each id of a batch above which its rows are merged and updated one by one. 2048 ids and 64 columns on one Zen 3 core:
 * SGD 174 µs for all of 4096 rows, 281 for 8192, by rows 245 and 259; Adam 561 and 1102, by rows 405.
 */
const rowsPerId = 3;

function someRows(optimizer: Optimizer, entry: Entry, base: Base, rows: RowGradient): Stretch {
  const { tableRows, columns } = sizesOf(entry);
  const { sums, owners } = mergedRows(rows, tableRows);
  return alone(optimizer, sums, {
    base,
    // Ids that came before are read too: what becomes of them is not written.
    read: (slot, byteOffset) => gatherRows(source(slot, byteOffset + entry.offset * 4, [tableRows, columns]), rows.ids),
    write: (slot, byteOffset, value) => ({
      value,
      slot,
      byteOffset: byteOffset + entry.offset * 4,
      rows: { ids: owners, tableRows },
      commit: true,
    }),
  });
}

/**
 * The same for a table that is small beside the batch, or that several batches met: everything is computed and rows that were not met keep their
 * values.
 * @param met [tableRows, 1], 0 for those
 */
function maskedRows(optimizer: Optimizer, entry: Entry, base: Base, gradient: Tensor, met: Tensor): Stretch {
  const { tableRows, columns } = sizesOf(entry);
  const read = (slot: MemorySlot, byteOffset: number): Tensor => source(slot, byteOffset + entry.offset * 4, [tableRows, columns]);
  return alone(optimizer, reshape(gradient, [tableRows, columns]), {
    base,
    read,
    write: (slot, byteOffset, value) => ({
      value: where(met, value, read(slot, byteOffset)),
      slot,
      byteOffset: byteOffset + entry.offset * 4,
      commit: true,
    }),
  });
}

function sizesOf({ shape }: Entry): { readonly tableRows: number; readonly columns: number } {
  return { tableRows: shape[0]!, columns: sizeOf(shape.slice(1)) };
}

function normOf(stretches: readonly Stretch[]): Tensor {
  return sqrt(stretches.map(({ gradient }) => sumSquares(gradient)).reduce((a, b) => add(a, b)));
}

/** By value first, then by norm: g · min(1, clipNorm / (‖g‖ + 1e-6)), as torch.nn.utils.clip_grad_norm_. */
function clipped(stretches: readonly Stretch[], { clipNorm, clipValue }: Recipe): readonly Stretch[] {
  const byValue = (g: Tensor): Tensor => (clipValue === undefined ? g : clip(g, -clipValue, clipValue));
  const limited = stretches.map((stretch) => ({ ...stretch, gradient: byValue(stretch.gradient) }));
  if (clipNorm === undefined) return limited;
  const factor = minimum(div(clipNorm, add(normOf(limited), 1e-6)), 1);
  return limited.map((stretch) => ({ ...stretch, gradient: mul(stretch.gradient, factor) }));
}
