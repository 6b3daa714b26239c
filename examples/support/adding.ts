/** The adding problem: of T numbers two are marked, and the answer is their sum. */
import {
  Adam,
  Callback,
  type Batch,
  type EpochRecord,
  type FitContext,
  GRU,
  type Layer,
  LSTM,
  Linear,
  MSELoss,
  Philox,
  RNN,
  Sequential,
  Trainer,
  array,
} from 'lanewise';

/** Error of always answering 1, the mean: the variance of the sum of two uniform numbers. */
export const guessError = 2 / 12;

export const cells = ['rnn', 'lstm', 'gru'] as const;
export type Cell = (typeof cells)[number];

export interface AddingOptions {
  /** T. */
  readonly length: number;
  /** Most training steps; training ends before if the error is small enough. */
  readonly steps: number;
  /** Error at which training ends. */
  readonly goal: number;
}

const hidden = 64;
const batchSize = 64;
/** Steps after which new examples are tried. */
const stepsPerEpoch = 100;
const testRows = 1000;

/** x [N, T, 2]: a uniform number and a mark, one in each half of the sequence; y [N, 1]: the sum of the marked numbers. */
export function addingRows(rows: number, length: number, random: Philox): Batch {
  const numbers = random.uniform(rows * length);
  const x = new Float32Array(rows * length * 2);
  const y = new Float32Array(rows);
  const half = Math.floor(length / 2);
  numbers.forEach((value, i) => (x[2 * i] = value));
  random.uniform53(2 * rows).forEach((u, i) => {
    const row = Math.floor(i / 2);
    const [begin, end] = i % 2 === 0 ? [0, half] : [half, length];
    const at = row * length + begin + Math.floor(u * (end - begin));
    x[2 * at + 1] = 1;
    y[row]! += numbers[at]!;
  });
  return { x: array(x, [rows, length, 2]), y: array(y, [rows, 1]) };
}

function layerOf(cell: Cell): RNN | LSTM | GRU {
  const options = { returnSequences: false };
  switch (cell) {
    case 'rnn':
      return new RNN(hidden, options);
    case 'lstm':
      return new LSTM(hidden, options);
    case 'gru':
      return new GRU(hidden, options);
    default:
      return cell satisfies never;
  }
}

/** Parts of a cell's bias: the gate that keeps the state, and the one that lets new values in, if it is another. */
const gates: { readonly [Name in Cell]: { readonly keep?: number; readonly renew?: number } } = {
  rnn: {},
  lstm: { keep: 1, renew: 0 },
  gru: { keep: 1 },
};

/**
 * Gates that keep a state for some time to begin with, each unit for another, up to the length of the sequences: without it most of the
 * training goes by before anything is remembered. A plain network has no gates.
 * See Tallec and Ollivier 2018, https://arxiv.org/abs/1804.11188
 */
function rememberFirst(model: Layer, cell: Cell, length: number): void {
  const weights = model.weights();
  const { data: bias } = weights.get('cell.bias0')!;
  const times = new Philox(5).uniform(hidden, 1, Math.max(2, length - 1));
  const { keep, renew } = gates[cell];
  times.forEach((time, unit) => {
    if (keep !== undefined) bias[keep * hidden + unit] = Math.log(time);
    if (renew !== undefined) bias[renew * hidden + unit] = -Math.log(time);
  });
  model.setWeights(weights);
}

/** Ends the fit once the validation error is small enough. */
class Goal extends Callback {
  constructor(private readonly error: number) {
    super();
  }

  override onEpoch({ metrics }: EpochRecord, context: FitContext): void {
    if (metrics.valLoss! <= this.error) context.stop();
  }
}

export interface AddingOutcome {
  /** Mean squared error on examples never trained on. */
  readonly error: number;
  readonly steps: number;
}

/** Trains one kind of cell on examples that are new in every step. */
export async function learnAdding(
  cell: Cell,
  { length, steps, goal }: AddingOptions,
  callbacks: readonly Callback[] = [],
): Promise<AddingOutcome> {
  const model = new Sequential({ cell: layerOf(cell), head: new Linear(1) }, { seed: 1 });
  rememberFirst(model.build([length, 2]), cell, length);
  const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new Adam({ lr: 3e-3 }), clipNorm: 1 });
  const random = new Philox(2);
  function* fresh(): Generator<Batch> {
    for (let step = 0; step < stepsPerEpoch; step++) yield addingRows(batchSize, length, random);
  }
  const validation = addingRows(testRows, length, new Philox(3));
  await trainer.fit(fresh, { epochs: Math.ceil(steps / stepsPerEpoch), validation, callbacks: [...callbacks, new Goal(goal)] });
  const { loss } = await trainer.evaluate(addingRows(testRows, length, new Philox(4)));
  return { error: loss, steps: trainer.steps };
}
