import type { Tensor } from '../graph/tensor.js';
import type { Initializer } from '../init.js';
import { add, cast, matmul } from '../ops/index.js';
import { boolean, callable, check, checkOptions, count } from '../options.js';
import { defaultWeight, uniformOfFan } from './default-init.js';
import { Layer } from './layer.js';
import { checkRows } from './rows.js';
import type { Scope } from './scope.js';

/** Options of {@link Linear}. */
export interface LinearOptions {
  /** Add a bias. Default: true. */
  readonly bias?: boolean | undefined;
  /** First values of the weight. Default: U(−1/√I, 1/√I), which is Kaiming uniform with a = √5. */
  readonly weightInit?: Initializer | undefined;
  /** First values of the bias. Default: U(−1/√I, 1/√I). */
  readonly biasInit?: Initializer | undefined;
}

/**
 * Applies an affine map to the last dimension.
 *
 * y = x · W + b.   x [N, ..., I] → y [N, ..., O];  parameters: weight W [I, O], bias b [O].
 *
 * @throws OptionError if outFeatures is no whole number ≥ 1 or an option is wrong; ShapeError if x has rank < 2
 * @see https://pytorch.org/docs/stable/generated/torch.nn.Linear.html (there W is stored as [O, I])
 */
export class Linear extends Layer {
  constructor(
    readonly outFeatures: number,
    readonly options: LinearOptions = {},
  ) {
    super();
    check('Linear', 'outFeatures', outFeatures, count);
    this.options = checkOptions('Linear', options, { bias: boolean, weightInit: callable, biasInit: callable });
  }

  forward(x: Tensor, scope: Scope): Tensor {
    checkRows('Linear', x, 'I');
    const inFeatures = x.shape.at(-1)!;
    const { bias = true, weightInit = defaultWeight(), biasInit = uniformOfFan(inFeatures) } = this.options;
    const w = scope.parameter('weight', [inFeatures, this.outFeatures], weightInit);
    const y = matmul(cast(x, 'float32'), w);
    return bias ? add(y, scope.parameter('bias', [this.outFeatures], biasInit)) : y;
  }
}
