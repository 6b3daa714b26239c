// An importing consumer with every check of TypeScript on.
import {
  Adam,
  CrossEntropyLoss,
  Layer,
  Linear,
  Losses,
  MSELoss,
  type NdArray,
  ReLU,
  type Scope,
  Sequential,
  type Tensor,
  Trainer,
  accuracy,
  add,
  array,
  compile,
  tokenWindows,
  trainTestSplit,
} from 'lanewise';
import { gemm } from 'lanewise/kernels';

class Residual extends Layer {
  override forward(x: Tensor, scope: Scope): Tensor {
    return add(x, scope.call('inner', new Linear(x.shape.at(-1)!), x));
  }
}

const model = new Sequential([new Linear(4), new ReLU(), new Residual(), new Linear(2)], { seed: 1 });
const trainer = new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new Adam(), metrics: [accuracy()] });
const history = await trainer.fit({ x: array([[0], [1]]), y: array(new Int32Array([0, 1])) }, { epochs: 1, batchSize: 2 });
export const loss: number | undefined = history.last?.loss;
export const sum: NdArray = await compile((a: Tensor, b: Tensor) => add(a, b))(array([1]), array([2]));
gemm({ m: 1, n: 1, k: 1, a: new Float32Array(1), b: new Float32Array(1), c: new Float32Array(1) });
// @ts-expect-error: a size is a number
new Linear('4');

/** Options that may be left out may be undefined. */
interface Settings {
  readonly signal?: AbortSignal;
  readonly seed?: number;
}
export function trainerOf({ seed }: Settings): Trainer {
  return new Trainer(model, { loss: new CrossEntropyLoss(), optimizer: new Adam({ lr: undefined }), seed });
}
export const fitWith = ({ signal }: Settings): Promise<unknown> => trainer.fit([], { signal, epochs: undefined });

/** Several outputs have their names in the types. */
class Heads extends Layer<[Tensor], { readonly digit: Tensor; readonly angle: Tensor }> {
  override forward(x: Tensor): { readonly digit: Tensor; readonly angle: Tensor } {
    return { digit: x, angle: x };
  }
}
export const angle: NdArray = (await new Heads().predict(array([[0]]))).angle;
const heads = {
  loss: new Losses({ digit: new CrossEntropyLoss(), angle: new MSELoss() }, { weights: { angle: 0.1 } }),
  optimizer: new Adam(),
};
new Trainer(new Heads(), { ...heads, metrics: [accuracy().of('digit')] });
// @ts-expect-error: there is no such output
new Trainer(new Heads(), { ...heads, metrics: [accuracy().of('digti')] });
// @ts-expect-error: there is no such output
new Trainer(new Heads(), { ...heads, loss: new Losses({ digit: new CrossEntropyLoss(), angel: new MSELoss() }) });

/** A list of results has a known length, and windows of tokens are rows to be divided. */
const [one, two] = await compile((x: Tensor) => [x, add(x, 1)])(array([1]));
export const results: readonly NdArray[] = [one, two];
export const { train } = trainTestSplit(tokenWindows(new Int32Array(100), { steps: 4 }));
// @ts-expect-error: there is no such output
export const width: NdArray = (await new Heads().predict(array([[0]]))).width;
