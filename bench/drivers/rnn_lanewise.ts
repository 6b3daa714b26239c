// lanewise's recurrences as the compiler runs them: the product with the inputs, the recurrence, and the gradients of all inputs, in memories
// that stay where they are. Cases: rnn.h.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { build } from '../../lib/compile/program.js';
import { gradients } from '../../lib/graph/gradients.js';
import { MemorySlot, source } from '../../lib/graph/source.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { native } from '../../lib/native.js';
import { add, elman, gru, lstm, matmul } from '../../lib/ops/index.js';
import { setThreads } from '../../lib/threads.js';
import { serve, timeLoop } from './serve.js';

interface ReferenceArray {
  readonly shape: readonly number[];
  readonly values: Float32Array;
  /** How far another result may be from this one. */
  readonly bound: number;
}

interface Reference {
  readonly inputs: ReadonlyMap<string, ReferenceArray>;
  readonly results: ReadonlyMap<string, ReferenceArray>;
}

function readReference(request: readonly string[]): Reference {
  const path = execFileSync(process.env.BENCH_REFERENCE!, request, { encoding: 'utf8' }).trim();
  const file = readFileSync(path);
  const inputs = new Map<string, ReferenceArray>();
  const results = new Map<string, ReferenceArray>();
  for (let at = 0; at < file.length;) {
    const end = file.indexOf('\n', at);
    const [kind, name, ...numbers] = file.toString('utf8', at, end).split(' ');
    const bound = kind === 'result' ? Number(numbers.shift()) : 0;
    const shape = numbers.map(Number);
    const bytes = 4 * shape.reduce((a, b) => a * b);
    const values = new Float32Array(Uint8Array.from(file.subarray(end + 1, end + 1 + bytes)).buffer);
    (kind === 'result' ? results : inputs).set(name!, { shape, values, bound });
    at = end + 1 + bytes;
  }
  return { inputs, results };
}

/** The outputs, and the inputs in the order of the gradients that the reference has. */
function forward(cell: string, input: (name: string) => Tensor): { readonly y: Tensor; readonly wanted: readonly string[] } {
  const [u, h0] = [input('u'), input('h0')];
  const g = add(matmul(input('x'), input('w')), input('b'));
  const common = ['x', 'w', 'u', 'b', 'h0'];
  if (cell === 'rnn') return { y: elman(g, u, h0).y, wanted: common };
  if (cell === 'lstm') return { y: lstm(g, u, h0, input('c0')).y, wanted: [...common, 'c0'] };
  if (cell === 'gru') return { y: gru(g, u, h0, { recurrentBias: input('br') }).y, wanted: [...common, 'br'] };
  return { y: gru(g, u, h0, { resetAfter: false }).y, wanted: common };
}

setThreads(Number(process.env.BENCH_THREADS ?? 1));
await serve((request) => {
  const [cell, ...sizes] = request.split(' ');
  const { inputs, results } = readReference([cell!, ...sizes]);
  const slots = new Map([...inputs].map(([name, { values }]) => [name, new MemorySlot(name, values.byteLength)]));
  const tensors = new Map([...inputs].map(([name, { shape }]) => [name, source(slots.get(name)!, 0, shape, 'float32')]));
  const { y, wanted } = forward(cell!, (name) => tensors.get(name)!);
  const found = gradients(
    y,
    wanted.map((name) => tensors.get(name)!),
    tensors.get('dy'),
  );
  const outputs = new Map([['y', y], ...wanted.map((name, i) => [`d${name}`, found[i]!] as const)]);
  const outputSlots = new Map([...outputs].map(([name, { size }]) => [name, new MemorySlot(name, 4 * size)]));
  const program = build([...outputs].map(([name, value]) => ({ value, slot: outputSlots.get(name)!, byteOffset: 0, commit: false })));

  const memories = new Map([...slots.values(), ...outputSlots.values()].map((slot) => [slot, native().createMemory(slot.bytes)]));
  for (const [name, { values }] of inputs) native().writeMemory(memories.get(slots.get(name)!)!, 0, values);
  const run = (): number => program.runSync(memories, 1, 0);
  run();
  for (const [name, { values, bound }] of results) {
    const got = new Float32Array(values.length);
    native().readMemory(memories.get(outputSlots.get(name)!)!, 0, got);
    const error = values.reduce((worst, want, i) => Math.max(worst, Math.abs(got[i]! - want)), 0) / bound;
    if (!(error <= 1)) throw new Error(`wrong result: ${name} is ${error} times the error bound off`);
  }
  return { time: (seconds) => timeLoop(run, 1, seconds) };
});
