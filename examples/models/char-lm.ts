import { Dropout, Embedding, LSTM, Linear, Sequential } from 'lanewise';

export interface CharLmOptions {
  readonly seed?: number;
  /** Units of each recurrent layer. Default: 256. */
  readonly hidden?: number;
  /** Default: 1. */
  readonly layers?: number;
  /** Share of the outputs zeroed above each recurrent layer. Default: 0. */
  readonly dropout?: number;
}

/** Character language model: ids [N, T] → embedding of 64 → LSTM → logits of the next character [N, T, V]. */
export function charLm(vocabularySize: number, { seed = 0, hidden = 256, layers = 1, dropout = 0 }: CharLmOptions = {}): Sequential {
  return new Sequential(
    {
      embedding: new Embedding(vocabularySize, 64),
      lstm: new LSTM(hidden, { numLayers: layers, dropout: layers > 1 ? dropout : 0 }),
      drop: new Dropout(dropout),
      head: new Linear(vocabularySize),
    },
    { seed },
  );
}
