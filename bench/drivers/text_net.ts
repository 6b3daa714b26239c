import { Embedding, GRU, LSTM, type Layer, Linear, RNN, Sequential } from 'lanewise';
import { gpt } from '../../examples/models/gpt.js';
import { type TextNet, headFeatures } from '../cases/text.js';

/** ids [N, T] → logits [N, T, vocabulary] */
export function textNet({ vocabulary, embedding, cell, hidden, layers }: TextNet, steps: number): Layer {
  if (cell === 'attention')
    return gpt(vocabulary, { seed: 1, context: steps, width: hidden, heads: hidden / headFeatures, blocks: layers });
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
