import { Dropout, GRU, Layer, Linear, MeanOverTime, type Scope, type Tensor } from 'lanewise';

export interface SequenceClassifierOptions {
  /** Units of each direction. Default: 64. */
  readonly hidden?: number;
  /** Default: 1. */
  readonly layers?: number;
  /** Share of values zeroed between layers and before the last. Default: 0. */
  readonly dropout?: number;
}

/**
 * Classifies sequences of different lengths: x [N, T, I], lengths [N] → bidirectional GRU → mean over the steps of each → logits [N, C].
 * With an `embedding`, x is ids [N, T].
 */
export class SequenceClassifier extends Layer<[x: Tensor, lengths: Tensor]> {
  readonly #gru: GRU;
  readonly #mean = new MeanOverTime();
  readonly #drop: Dropout;
  readonly #head: Linear;

  constructor(
    classes: number,
    { hidden = 64, layers = 1, dropout = 0 }: SequenceClassifierOptions = {},
    readonly embedding?: Layer,
  ) {
    super();
    this.#gru = new GRU(hidden, { numLayers: layers, bidirectional: true, dropout: layers > 1 ? dropout : 0 });
    this.#drop = new Dropout(dropout);
    this.#head = new Linear(classes);
  }

  forward(x: Tensor, lengths: Tensor, scope: Scope): Tensor {
    const input = this.embedding === undefined ? x : scope.call('embedding', this.embedding, x);
    const steps = scope.call('gru', this.#gru, input, lengths);
    const features = scope.call('drop', this.#drop, scope.call('mean', this.#mean, steps, lengths));
    return scope.call('head', this.#head, features);
  }
}
