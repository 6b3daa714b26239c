import assert from 'node:assert/strict';
import type { NdArray } from '../../lib/array.js';
import { GRUCell, LSTMCell, Layer, RNNCell, type Scope } from '../../lib/layers/index.js';
import { compile } from '../../lib/compile/compile.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import { MSELoss } from '../../lib/losses/index.js';
import { trace } from '../../lib/model/trace.js';
import { SGD } from '../../lib/optimizers/index.js';
import { recurrentFromPyTorch, recurrentToPyTorch } from '../../lib/pytorch/index.js';
import { Trainer } from '../../lib/training/trainer.js';
import { type Packed, assertClose, readFixture, unpack } from '../support/fixtures.js';
import { type Kind, recurrentLayer, runSequence } from '../support/recurrent-layer.js';

type Arrays = Readonly<Record<string, Packed>>;

interface Sequence {
  readonly layer: Kind;
  readonly options: { readonly numLayers: number; readonly bidirectional: boolean; readonly nonlinearity?: 'tanh' | 'relu' };
  readonly lengths?: Packed;
  readonly x: Packed;
  readonly state: readonly Packed[];
  readonly y: Packed;
  readonly final: readonly Packed[];
  readonly dy: Packed;
  readonly dfinal: readonly Packed[];
  readonly dx: Packed;
  readonly dstate: readonly Packed[];
  readonly arrays: Arrays;
  readonly darrays: Arrays;
  readonly losses: readonly number[];
}

interface Cell {
  readonly layer: 'RNNCell' | 'LSTMCell' | 'GRUCell';
  readonly options: { readonly nonlinearity?: 'tanh' | 'relu' };
  readonly x: Packed;
  readonly state: readonly Packed[];
  readonly final: readonly Packed[];
  readonly arrays: Arrays;
}

/** Four steps of two layers, each some ten roundings of values of about 1, and their gradients summed over three rows and four steps. */
const ulps = 64;
/** Each step's gradients are as exact as that, and a learning rate of 0.1 with momentum lets about all of it into the parameters. */
const ulpsPerStep = 64;

const unpackAll = (arrays: Arrays): Map<string, NdArray> => new Map(Object.entries(arrays).map(([name, value]) => [name, unpack(value)]));

/** Gradients as the weights are imported: with respect to a sum, that of either term. */
function importedGradients(arrays: Arrays, layer: Kind): Map<string, NdArray> {
  const values = unpackAll(arrays);
  for (const [name, value] of values) {
    if (name.startsWith('bias_hh')) value.data.fill(0, 0, layer === 'GRU' ? (2 * value.size) / 3 : value.size);
  }
  return recurrentFromPyTorch(values);
}

const fixture = readFixture<{ readonly layers: readonly Sequence[]; readonly cells: readonly Cell[] }>('recurrent');
const titleOf = ({ layer, options, lengths }: Sequence): string =>
  `${layer} ${JSON.stringify(options)}${lengths === undefined ? '' : ' with lengths'}`;

describe('recurrent layers against PyTorch', () => {
  for (const sequence of fixture.layers) {
    const { layer, options, arrays, darrays, losses, ...values } = sequence;
    const lengths = values.lengths && unpack(values.lengths);
    const parameters = recurrentFromPyTorch(unpackAll(arrays));

    it(`${titleOf(sequence)}: outputs, states and gradients`, () => {
      const run = runSequence(recurrentLayer(layer, 2, options), parameters, {
        x: unpack(values.x),
        state: values.state.map(unpack),
        lengths,
        dy: unpack(values.dy),
        dfinal: values.dfinal.map(unpack),
      });
      assertClose(run.y, values.y, ulps, 'y');
      assertClose(run.dx, values.dx, ulps, 'dx');
      run.final.forEach((state, i) => assertClose(state, values.final[i]!, ulps, `final state ${i}`));
      run.dstate.forEach((state, i) => assertClose(state, values.dstate[i]!, ulps, `d(state ${i})`));
      const expected = importedGradients(darrays, layer);
      assert.deepEqual([...run.dparameters.keys()].sort(), [...expected.keys()].sort());
      for (const [name, value] of expected) {
        assertClose(run.dparameters.get(name)!, { shape: value.shape, data: [...value.data] }, ulps, `d(${name})`);
      }
    });

    it(`${titleOf(sequence)}: ${losses.length} steps`, async () => {
      const model = recurrentLayer(layer, 2, options);
      model.setWeights(parameters);
      const trainer = new Trainer(model, { loss: new MSELoss(), optimizer: new SGD({ lr: 0.1, momentum: 0.9 }) });
      const x = lengths === undefined ? unpack(values.x) : [unpack(values.x), lengths];
      for (const [step, expected] of losses.entries()) {
        const { loss } = await trainer.step({ x, y: unpack(values.dy) });
        const tolerance = ulpsPerStep * (step + 1) * 2 ** -23 * Math.max(1, expected);
        assert.ok(Math.abs(loss - expected) <= tolerance, `step ${step}: expected ${expected}, got ${loss}`);
      }
    });

    it(`${titleOf(sequence)}: weights go to PyTorch and back`, () => {
      const exported = recurrentToPyTorch(parameters);
      assert.deepEqual([...exported.keys()].sort(), Object.keys(arrays).sort());
      for (const [name, value] of exported) assert.deepEqual([...value.shape], arrays[name]!.shape);
      assert.deepEqual(recurrentFromPyTorch(exported), parameters);
    });
  }
});

/** One half of what an LSTMCell gives. */
class Half extends Layer<[Tensor, Tensor, Tensor]> {
  constructor(
    readonly cell: LSTMCell,
    readonly half: 'h' | 'c',
  ) {
    super();
  }

  forward(x: Tensor, h: Tensor, c: Tensor, scope: Scope): Tensor {
    return this.cell.apply(x, { h, c }, scope)[this.half];
  }
}

describe('recurrent cells against PyTorch', () => {
  for (const { layer, options, x, state, final, arrays } of fixture.cells) {
    const cellOf = (kind: 'RNNCell' | 'GRUCell'): RNNCell | GRUCell => (kind === 'RNNCell' ? new RNNCell(3, options) : new GRUCell(3));
    it(`${layer} ${JSON.stringify(options)}`, () => {
      const parameters = recurrentFromPyTorch(unpackAll(arrays));
      const paths = [...parameters.keys()];
      const f = compile((...tensors: Tensor[]) => {
        const [x, ...rest] = tensors as [Tensor, ...Tensor[]];
        const resolve = (_kind: string, path: string): Tensor => rest[state.length + paths.indexOf(path)]!;
        const inputs = [x, ...rest.slice(0, state.length)];
        const options = { training: false, seed: 0n, resolve };
        if (layer !== 'LSTMCell') return [trace(cellOf(layer), inputs, options).output];
        return (['h', 'c'] as const).map((half) => trace(new Half(new LSTMCell(3), half), inputs, options).output);
      });
      const results = f.sync(unpack(x), ...state.map(unpack), ...parameters.values());
      results.forEach((value, i) => assertClose(value, final[i]!, ulps, `state ${i}`));
    });
  }
});
