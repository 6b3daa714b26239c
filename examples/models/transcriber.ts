import { Dropout, GRU, Layer, Linear, type Scope, type Tensor } from 'lanewise';

export interface TranscriberOptions {
  /** Units of each direction. Default: 64. */
  readonly hidden?: number;
  /** Default: 2. */
  readonly layers?: number;
  /** Share of values zeroed between layers and before the last. Default: 0. */
  readonly dropout?: number;
}

/** Hears in each frame a label or nothing: x [N, T, I], lengths [N] → bidirectional GRU → logits [N, T, C], class 0 the blank. */
export class Transcriber extends Layer<[x: Tensor, lengths: Tensor]> {
  readonly #gru: GRU;
  readonly #drop: Dropout;
  readonly #head: Linear;

  constructor(classes: number, { hidden = 64, layers = 2, dropout = 0 }: TranscriberOptions = {}) {
    super();
    this.#gru = new GRU(hidden, { numLayers: layers, bidirectional: true, dropout: layers > 1 ? dropout : 0 });
    this.#drop = new Dropout(dropout);
    this.#head = new Linear(classes);
  }

  forward(x: Tensor, lengths: Tensor, scope: Scope): Tensor {
    const steps = scope.call('drop', this.#drop, scope.call('gru', this.#gru, x, lengths));
    return scope.call('head', this.#head, steps);
  }
}
