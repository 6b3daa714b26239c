import { generationDrivers, textDrivers } from '../drivers/text.js';
import type { Case, Suite } from '../types.js';

/** A model of characters: embedding, recurrent layers or blocks of causal attention, Linear to the vocabulary. */
export interface TextNet {
  readonly vocabulary: number;
  /** Of attention the same as hidden. */
  readonly embedding: number;
  readonly cell: 'rnn' | 'gru' | 'lstm' | 'attention';
  readonly hidden: number;
  readonly layers: number;
}

/** Features of a head of attention. */
export const headFeatures = 32;

/** Training steps with Adam and cross-entropy of the next character, on sequences of a Markov chain that begin without a state. */
export interface TextRequest extends TextNet {
  readonly batch: number;
  /** Characters of a sequence. */
  readonly steps: number;
  readonly sequences: number;
  readonly learningRate: number;
}

/** One step for one sequence: from a character to the likeliest next one. */
export interface GenerationRequest extends TextNet {
  /** How many steps have gone before. */
  readonly position: number;
}

const small = { vocabulary: 65, embedding: 64, layers: 1 } as const;
const batches = { batch: 32, steps: 64, sequences: 512, learningRate: 0.003 } as const;

const trainings: readonly TextRequest[] = [
  { ...small, ...batches, cell: 'rnn', hidden: 128 },
  { ...small, ...batches, cell: 'gru', hidden: 256 },
  { ...small, ...batches, cell: 'lstm', hidden: 256 },
  { ...batches, vocabulary: 65, embedding: 128, cell: 'lstm', hidden: 512, layers: 2, batch: 64, sequences: 256 },
  { ...batches, vocabulary: 65, embedding: 128, cell: 'attention', hidden: 128, layers: 4 },
];

function netName({ vocabulary, embedding, cell, hidden, layers }: TextNet): string {
  return `${vocabulary} → ${embedding} → ${layers > 1 ? `${layers}×` : ''}${hidden} ${cell}`;
}

const gates = { rnn: 1, gru: 3, lstm: 4 } as const;

/** The products of all layers, forward, to the data and to the weights, as if each character had products of its own. */
function textFlops({ vocabulary, embedding, cell, hidden, layers, batch, steps }: TextRequest): number {
  // 3 · C and C columns for attention, 4 · C and C for the network; then two products of all characters with all.
  if (cell === 'attention') return 3 * 2 * batch * steps * (layers * (12 * hidden ** 2 + 2 * steps * hidden) + hidden * vocabulary);
  const recurrent = (inputs: number): number => (inputs + hidden) * gates[cell] * hidden;
  return 3 * 2 * batch * steps * (recurrent(embedding) + (layers - 1) * recurrent(hidden) + hidden * vocabulary);
}

/** Whole training steps: gather the batch, forward, loss, backward, update. */
export function stepTextSuite(threadCounts: readonly number[]): Suite {
  const cases = threadCounts.flatMap((threads) =>
    trainings.map((request): Case => ({
      name: `${netName(request)}, batch ${request.batch} × ${request.steps} Adam`,
      request: JSON.stringify(request),
      threads,
      flops: textFlops(request),
      bytes: 0,
    })),
  );
  return { name: 'step-text', unit: 'ms', cases, rounds: 5, sliceMilliseconds: 300, drivers: textDrivers };
}

/** Text from a model, one character at a time. */
export function generationSuite(threadCounts: readonly number[]): Suite {
  const cases = threadCounts.flatMap((threads) =>
    [100, 10_000].map((position): Case => {
      const request: GenerationRequest = { ...small, cell: 'lstm', hidden: 256, position };
      return { name: `${netName(request)} at position ${position}`, request: JSON.stringify(request), threads, flops: 0, bytes: 0 };
    }),
  );
  return { name: 'generation', unit: 'µs', cases, rounds: 9, sliceMilliseconds: 100, drivers: generationDrivers };
}
