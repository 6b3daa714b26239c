/** How well the next token is predicted: perplexity() and bitsPerCharacter(). */
import type { NdArray } from '../array.js';
import type { Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { checkIdShape, noIgnoreIndex, validateIds } from '../losses/class-ids.js';
import { crossEntropy, div, full, maximum, mean, notEqual, sum } from '../ops/index.js';
import { checkOptions, integer } from '../options.js';
import { Metric } from './metric.js';

/** Options of {@link perplexity} and {@link bitsPerCharacter}. */
export interface TokenMetricOptions {
  /** Targets of this id are padding and do not count. Default: none. */
  readonly ignoreIndex?: number | undefined;
}

/** The mean of −ln p(target) over all tokens that count, however they fall into batches. */
class TokenEntropy extends Metric {
  override readonly better = 'min';

  constructor(
    readonly name: string,
    private readonly ignoreIndex: number | undefined,
    private readonly last: (entropy: number) => number,
  ) {
    super();
  }

  forward(logits: Tensor, ids: Tensor): Tensor {
    checkIdShape(this.name, logits, ids);
    if (this.ignoreIndex === undefined) return mean(crossEntropy(logits, ids, noIgnoreIndex));
    return div(sum(crossEntropy(logits, ids, this.ignoreIndex)), maximum(this.weight(logits, ids), 1));
  }

  override weight(_logits: Tensor, ids: Tensor): Tensor {
    return this.ignoreIndex === undefined ? full([], ids.size) : sum(notEqual(ids, this.ignoreIndex));
  }

  /** Looks for ids that are no class. */
  override validate(target: NdArray, predictionShape: Shape): void {
    validateIds(this.name, target, predictionShape.at(-1)!, this.ignoreIndex);
  }

  override finish([entropy]: Float64Array): number {
    return this.last(entropy!);
  }
}

function tokenEntropy(name: string, options: TokenMetricOptions, last: (entropy: number) => number): Metric {
  return new TokenEntropy(name, checkOptions(name, options, { ignoreIndex: integer }).ignoreIndex, last);
}

/**
 * exp of the mean of −ln p(target) over all tokens of an epoch: among how many equally likely tokens the model still hesitates.
 * logits [..., C] and class ids [...].
 * @throws OptionError for wrong options; from fit and evaluate ShapeError if the shapes do not fit, DataError for ids that are no class
 */
export function perplexity(options: TokenMetricOptions = {}): Metric {
  return tokenEntropy('perplexity', options, Math.exp);
}

/** The mean of −log₂ p(target) over all tokens of an epoch; a token is a character where the vocabulary is one of characters. Shapes and errors as for {@link perplexity}. */
export function bitsPerCharacter(options: TokenMetricOptions = {}): Metric {
  return tokenEntropy('bitsPerCharacter', options, (entropy) => entropy / Math.LN2);
}
