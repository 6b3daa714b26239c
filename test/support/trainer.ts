/** Trainers for tests that are not about how one trains. */
import { type Layer, MSELoss, SGD, Trainer, type TrainerOptions } from '../../lib/index.js';

/** By default with the mean squared error and plain gradient descent. */
export function trainerOf(model: Layer<never>, options: Partial<TrainerOptions> = {}): Trainer {
  return new Trainer(model, { loss: new MSELoss(), optimizer: new SGD(), ...options });
}
