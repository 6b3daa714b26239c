import { Adam, CrossEntropyLoss, Dropout, Flatten, Linear, ReLU, Rescale, Sequential, Trainer, accuracy, cosineDecay } from 'lanewise';

export const batchSize = 128;

/** 784-512-512-10 with dropout 0.2 for images of bytes, and its trainer: Adam with a cosine decay over `epochs` epochs of `rows` rows. */
export function digitClassifier(rows: number, epochs: number): { readonly model: Sequential; readonly trainer: Trainer } {
  const model = new Sequential(
    [
      new Rescale(1 / 255),
      new Flatten(),
      new Linear(512),
      new ReLU(),
      new Dropout(0.2),
      new Linear(512),
      new ReLU(),
      new Dropout(0.2),
      new Linear(10),
    ],
    { seed: 42 },
  );
  const optimizer = new Adam({ lr: cosineDecay(1e-3, { steps: epochs * Math.ceil(rows / batchSize) }) });
  return { model, trainer: new Trainer(model, { loss: new CrossEntropyLoss(), optimizer, metrics: [accuracy()] }) };
}
