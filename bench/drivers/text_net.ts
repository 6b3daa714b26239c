import { Embedding, GRU, LSTM, type Layer, Linear, RNN, Sequential } from 'lanewise';
import type { TextNet } from '../cases/text.js';

/** ids [N, T] → logits [N, T, vocabulary] */
export function textNet({ vocabulary, embedding, cell, hidden, layers }: TextNet): Layer {
  const Recurrent = { rnn: RNN, gru: GRU, lstm: LSTM }[cell];
  return new Sequential(
    {
      embedding: new Embedding(vocabulary, embedding),
      recurrent: new Recurrent(hidden, { numLayers: layers }),
      linear: new Linear(vocabulary),
    },
    { seed: 1 },
  );
}
