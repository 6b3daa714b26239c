/** Errors that users' code throws reach its caller as they are. */
import assert from 'node:assert/strict';
import { Adam, Lambda, Linear, MSELoss, Sequential, type Tensor, Trainer, array, mean, square, sub } from '../../lib/index.js';
import { Loss } from '../../lib/losses/loss.js';

const data = { x: array([[1]]), y: array([[1]]) };
const aborted = AbortSignal.abort();
const frozen: Error = Object.freeze(new Error('frozen'));
const plain = new Error('plain');

describe('errors of users', () => {
  for (const error of [aborted.reason as Error, frozen, plain]) {
    const fails = (): never => {
      throw error;
    };
    class Failing extends Loss {
      forward(prediction: Tensor, target: Tensor): Tensor {
        return mean(square(sub(prediction, target)));
      }
      override validate(): void {
        fails();
      }
    }
    const trainer = (model = new Linear(1) as Linear | Sequential, loss: Loss = new MSELoss()): Trainer =>
      new Trainer(model, { loss, optimizer: new Adam() });
    const { name, message } = error;

    it(`reach the caller as they are: ${name} ${message}`, async () => {
      const failing = trainer(undefined, new Failing());
      const withForward = new Sequential([new Lambda(fails)]);
      for (const call of [
        () => failing.fit(data),
        () => failing.fit(data),
        () => failing.evaluate(data),
        () => trainer(withForward).fit(data),
        () => withForward.predict(data.x),
        () => trainer(new Linear(1, { weightInit: fails })).fit(data),
      ]) {
        await assert.rejects(call, (thrown) => thrown === error);
      }
      assert.equal(error.message, message);
    });
  }
});
