/** From the values a program must deliver to its instructions: passes, lowering, placement, schedule, memory plan. */
import { topologicalOrder } from '../graph/order.js';
import { ConstantArray, Source } from '../graph/source.js';
import { Node, type Tensor, type TensorType } from '../graph/tensor.js';
import { Operation } from '../graph/operation.js';
import { liveBytes } from './arena.js';
import { elideCopies } from './elide.js';
import { fuseEpilogues } from './epilogue.js';
import { Flow } from './flow.js';
import { elementwiseGraph } from './fuse.js';
import { foldChannels } from './fold-channels.js';
import { type Instruction, copyOf } from './instructions/index.js';
import { productsOfTables } from './lookups.js';
import { type Item, lower } from './lower.js';
import { type MemoryPlan, planMemory } from './memory.js';
import { Operands } from './operands.js';
import { type Write, placeWrites } from './place.js';
import { recomputeCheap } from './recompute.js';
import { schedules } from './schedule.js';
import { simplify } from './simplify.js';
import { type Storages, assignStorages, inArena } from './storage.js';
import { storeConstants } from './store-constants.js';
import { shareSubexpressions } from './subexpressions.js';
import { isContiguous } from './view.js';
import { writeThrough } from './write-through.js';

/** Options of {@link compile}. */
export interface CompileOptions {
  /**
   * Join elementwise operations, put biases and activations into matrix products and convolutions, and scales of channels into the
   * weights before them; make products of tables instead of the rows looked up in them. The bits are the same without, but for what
   * follows a convolution so scaled, and for what is added up over looked-up rows or by id, as their gradients are: in another order, in
   * which a sum may overflow that otherwise does not. Default: true.
   */
  readonly fuse?: boolean | undefined;
}

/** What a program runs. */
export interface Plan {
  readonly items: readonly Item[];
  /** Index of the first instruction that changes what outlives the step. */
  readonly commit: number;
  readonly memory: MemoryPlan;
}

/** A value that is also the old content of a bound memory, read before that is overwritten. */
class Snapshot extends Operation {
  readonly name = 'copy';

  infer([x]: readonly Tensor[]): readonly TensorType[] {
    return [x!];
  }

  lower(node: Node): readonly Instruction[] {
    return [copyOf(node.outputs[0]!, node.inputs[0]!)];
  }
}

/** Pass by pass: whoever drives it may do something else between two of them. */
export function* plan(requested: readonly Write[], { fuse = true }: CompileOptions = {}): Generator<void, Plan, void> {
  const simple = simplify(requested.flatMap(tensorsOf));
  yield;
  const shared = shareSubexpressions(storeConstants(fuse ? productsOfTables(simple) : simple));
  yield;
  const values = fuse ? fuseEpilogues(foldChannels(shared)) : shared;
  const lasting = snapshotSources(withTensors(requested, values));
  yield;
  const writes = fuse ? recomputed(lasting) : lasting;
  yield;
  const roots = writes.flatMap(tensorsOf);
  const committed = committedOf(writes);
  const order = topologicalOrder(roots);
  const operands = new Operands(order, roots);
  const locate = operands.locate.bind(operands);
  yield;
  const lowered = lower(order, operands, roots, committed, fuse);
  yield;
  const settled = new Set(roots.map((value) => locate(value).base));
  const { items, parents } = elideCopies(lowered, locate, settled);
  const flow = new Flow(writeThrough(items, locate, new Set([...settled, ...parents.keys()])), locate, parents);
  const placed = placeWrites(flow, writes, locate);
  yield;
  const candidates: Candidate[] = [];
  for (const sequence of schedules(flow, placed.late, (base) => inArena(base, placed.fixed))) {
    yield;
    candidates.push({ sequence, storages: assignStorages(flow, sequence, placed.fixed, locate) });
  }
  const { sequence, storages } = bestSchedule(candidates);
  yield;
  const firstLate = sequence.findIndex((i) => placed.late.has(i));
  return {
    items: sequence.map((i) => flow.items[i]!),
    commit: firstLate === -1 ? sequence.length : firstLate,
    memory: planMemory(flow, sequence, storages, placed, locate),
  };
}

/** The writes, their cheap values computed again where that is better than keeping them. */
function recomputed(writes: readonly Write[]): readonly Write[] {
  const roots = writes.flatMap(tensorsOf);
  const order = topologicalOrder(roots);
  return withTensors(writes, recomputeCheap(roots, elementwiseGraph(order, new Operands(order, roots), roots, committedOf(writes))));
}

/** The values that replace what outlives the step. */
function committedOf(writes: readonly Write[]): ReadonlySet<Tensor> {
  return new Set(writes.filter((write) => write.commit).map((write) => write.value));
}

/** What a write needs computed: the value, and the ids if it is rows of a table. */
function tensorsOf({ value, rows }: Write): readonly Tensor[] {
  return rows === undefined ? [value] : [value, rows.ids];
}

/** The writes with these tensors, in the order of `tensorsOf`. */
function withTensors(writes: readonly Write[], tensors: readonly Tensor[]): readonly Write[] {
  let at = 0;
  return writes.map((write) => {
    const value = tensors[at++]!;
    return write.rows === undefined ? { ...write, value } : { ...write, value, rows: { ...write.rows, ids: tensors[at++]! } };
  });
}

interface Candidate {
  readonly sequence: readonly number[];
  readonly storages: Storages;
}

/** The order with the smallest live set; of those about as good, the one that keeps values for the shortest time, for the cache's sake. */
function bestSchedule(candidates: readonly Candidate[]): Candidate {
  const least = Math.min(...candidates.map(({ storages }) => liveBytes(storages.blocks)));
  const good = candidates.filter(({ storages }) => liveBytes(storages.blocks) <= 1.02 * least);
  const waiting = ({ storages }: Candidate): number =>
    storages.blocks.reduce((sum, { bytes, first, last }) => sum + bytes * (last - first + 1), 0);
  return good.reduce((best, candidate) => (waiting(candidate) < waiting(best) ? candidate : best));
}

/** Values that lie in a bound memory already, or are constants, are copied by an instruction of their own, which then is ordered like any other. */
function snapshotSources(writes: readonly Write[]): readonly Write[] {
  const operands = new Operands([], []);
  return writes.flatMap((write) => {
    if (write.rows !== undefined) return [write];
    const { base, strides } = operands.source(write.value);
    if (!(base.node.op instanceof Source || base.node.op instanceof ConstantArray) || !isContiguous(write.value.shape, strides))
      return [write];
    if (base.size === write.value.size && isInPlace(base, write)) return [];
    return [{ ...write, value: new Node(new Snapshot(), [write.value], [write.value]).outputs[0]! }];
  });
}

/** Whether a source is what the write would put in its place. */
function isInPlace({ node: { op } }: Tensor, { slot, byteOffset }: Write): boolean {
  return op instanceof Source && op.slot === slot && op.byteOffset === byteOffset;
}
