import assert from 'node:assert/strict';
import { compile } from '../../lib/compile/compile.js';
import { gradients } from '../../lib/graph/gradients.js';
import type { Tensor } from '../../lib/graph/tensor.js';
import type { Loss, Reduction } from '../../lib/losses/index.js';
import {
  BCEWithLogitsLoss,
  CrossEntropyLoss,
  GaussianNLLLoss,
  HuberLoss,
  L1Loss,
  MSELoss,
  NLLLoss,
  PoissonNLLLoss,
} from '../../lib/losses/index.js';
import { type Packed, assertClose, readFixture, unpack } from '../support/fixtures.js';

interface LossFixture {
  readonly name: string;
  readonly prediction: Packed;
  readonly target: Packed;
  readonly value: number;
  readonly dprediction: Packed;
  /** Beside a mean as prediction. */
  readonly variance?: Packed;
  readonly dvariance?: Packed;
}

const weight = [1, 0.5, 2, 0.25];
const ignoreIndex = -100;

/** The loss that computes what PyTorch's of that fixture does; PyTorch always ignores −100, here it must be asked for. */
const losses: Readonly<Record<string, (reduction: Reduction) => Loss>> = {
  MSELoss: (reduction) => new MSELoss({ reduction }),
  L1Loss: (reduction) => new L1Loss({ reduction }),
  HuberLoss: (reduction) => new HuberLoss({ reduction }),
  'HuberLoss 0.5': (reduction) => new HuberLoss({ reduction, delta: 0.5 }),
  'CrossEntropyLoss ids': (reduction) => new CrossEntropyLoss({ reduction }),
  'CrossEntropyLoss weight': (reduction) => new CrossEntropyLoss({ reduction, weight }),
  'CrossEntropyLoss ignore': (reduction) => new CrossEntropyLoss({ reduction, ignoreIndex }),
  'CrossEntropyLoss weight ignore': (reduction) => new CrossEntropyLoss({ reduction, weight, ignoreIndex }),
  'CrossEntropyLoss ignore 2': (reduction) => new CrossEntropyLoss({ reduction, weight, ignoreIndex: 2 }),
  'CrossEntropyLoss smoothing': (reduction) => new CrossEntropyLoss({ reduction, labelSmoothing: 0.1 }),
  'CrossEntropyLoss smoothing weight': (reduction) => new CrossEntropyLoss({ reduction, labelSmoothing: 0.1, weight }),
  'CrossEntropyLoss smoothing ignore': (reduction) => new CrossEntropyLoss({ reduction, labelSmoothing: 0.1, ignoreIndex }),
  'CrossEntropyLoss all': (reduction) => new CrossEntropyLoss({ reduction, labelSmoothing: 0.1, weight, ignoreIndex: 2 }),
  'CrossEntropyLoss probabilities': (reduction) => new CrossEntropyLoss({ reduction }),
  'CrossEntropyLoss probabilities weight': (reduction) => new CrossEntropyLoss({ reduction, weight }),
  'CrossEntropyLoss probabilities smoothing': (reduction) => new CrossEntropyLoss({ reduction, labelSmoothing: 0.2 }),
  'CrossEntropyLoss sequence': (reduction) => new CrossEntropyLoss({ reduction }),
  'CrossEntropyLoss sequence ignore': (reduction) => new CrossEntropyLoss({ reduction, ignoreIndex }),
  NLLLoss: (reduction) => new NLLLoss({ reduction }),
  'NLLLoss weight': (reduction) => new NLLLoss({ reduction, weight }),
  'NLLLoss ignore': (reduction) => new NLLLoss({ reduction, weight, ignoreIndex }),
  'NLLLoss sequence': (reduction) => new NLLLoss({ reduction }),
  BCEWithLogitsLoss: (reduction) => new BCEWithLogitsLoss({ reduction }),
  'BCEWithLogitsLoss soft': (reduction) => new BCEWithLogitsLoss({ reduction }),
  'BCEWithLogitsLoss extreme': (reduction) => new BCEWithLogitsLoss({ reduction }),
  'BCEWithLogitsLoss posWeight': (reduction) => new BCEWithLogitsLoss({ reduction, posWeight: 3 }),
  'BCEWithLogitsLoss posWeights': (reduction) => new BCEWithLogitsLoss({ reduction, posWeight: weight }),
  PoissonNLLLoss: (reduction) => new PoissonNLLLoss({ reduction }),
};

/** Sums of at most 24 terms of some ten operations each. */
const ulps = 32;

describe('losses against PyTorch', () => {
  const fixtures = readFixture<readonly LossFixture[]>('losses');
  it('has a fixture for each loss and reduction listed', () => {
    const listed = Object.keys(losses).flatMap((name) => [`${name} mean`, `${name} sum`]);
    const gaussian = ['GaussianNLLLoss mean', 'GaussianNLLLoss sum'];
    assert.deepEqual(fixtures.map(({ name }) => name).sort(), [...listed, ...gaussian].sort());
  });
  for (const { name, prediction, target, value, dprediction, variance, dvariance } of fixtures) {
    const reduction = name.endsWith(' mean') ? 'mean' : 'sum';
    if (variance !== undefined) {
      it(name, () => {
        const loss = new GaussianNLLLoss({ reduction, eps: 0.25 });
        const f = compile((mean: Tensor, variance: Tensor, t: Tensor) => {
          const y = loss.forward({ mean, variance }, t);
          return [y, ...gradients(y, [mean, variance])] as const;
        });
        const [y, dmean, dvar] = f.sync(unpack(prediction), unpack(variance), unpack(target));
        assertClose(y, { shape: [], data: [value] }, ulps, 'value');
        assertClose(dmean!, dprediction, ulps, 'gradient of the mean');
        assertClose(dvar!, dvariance!, ulps, 'gradient of the variance');
      });
      continue;
    }
    it(name, () => {
      const loss = losses[name.slice(0, name.lastIndexOf(' '))]!(reduction);
      loss.validate(unpack(target), prediction.shape);
      const f = compile((p: Tensor, t: Tensor) => {
        const y = loss.forward(p, t);
        return [y, gradients(y, [p])[0]!] as const;
      });
      const [y, dp] = f.sync(unpack(prediction), unpack(target));
      assertClose(y, { shape: [], data: [value] }, ulps, 'value');
      assertClose(dp, dprediction, ulps, 'gradient');
    });
  }
});
