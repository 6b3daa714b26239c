import assert from 'node:assert/strict';
import { array } from '../lib/array.js';
import { gradcheck } from '../lib/gradcheck.js';
import { Operation, apply } from '../lib/graph/operation.js';
import type { Node, Tensor, TensorType } from '../lib/graph/tensor.js';
import { Dropout, LSTM, Layer, Linear, type Scope, Sequential, Tanh } from '../lib/layers/index.js';
import { CTCLoss, CrossEntropyLoss, Loss, Losses, MSELoss } from '../lib/losses/index.js';
import { add, gatherRows, mean, mul, softmax, square, sub, sum, tanh } from '../lib/ops/index.js';
import { Philox } from '../lib/random.js';

/** x, with a gradient that is wrong by the factor. */
class Wrong extends Operation {
  readonly name = 'reshape';

  constructor(private readonly factor: number) {
    super();
  }

  infer([x]: readonly Tensor[]): readonly TensorType[] {
    return [x!];
  }

  override vjp(_node: Node, [dy]: readonly (Tensor | undefined)[]): readonly (Tensor | undefined)[] {
    return [dy && mul(dy, this.factor)];
  }

  lower({ inputs, outputs }: Node): ReturnType<Operation['lower']> {
    const x = inputs[0]!;
    return [
      { kind: 'copy', out: outputs[0]!, in: x, dtype: x.dtype, dims: [x.size], inOffset: 0, inStrides: [1], outOffset: 0, outStrides: [1] },
    ];
  }
}

/** Two heads; the gradient of one is wrong by the factor. */
class TwoHeads extends Layer<[Tensor], { readonly a: Tensor; readonly b: Tensor }> {
  constructor(private readonly factor: number) {
    super();
  }

  forward(x: Tensor, scope: Scope): { readonly a: Tensor; readonly b: Tensor } {
    return { a: scope.call('a', new Linear(1), x), b: apply(new Wrong(this.factor), scope.call('b', new Linear(2), x)) };
  }
}

/** Of both outputs with one target. */
class Difference extends Loss<{ readonly a: Tensor; readonly b: Tensor }> {
  forward({ a, b }: { readonly a: Tensor; readonly b: Tensor }, target: Tensor): Tensor {
    return mean(square(sub(mul(a, b), target)));
  }
}

/** x, and the loss is more by Σ x², whose gradient is wrong by the factor. */
class Adds extends Layer {
  constructor(private readonly factor: number) {
    super();
  }

  forward(x: Tensor, scope: Scope): Tensor {
    scope.addLoss(sum(square(apply(new Wrong(this.factor), x))));
    return x;
  }
}

const x = array([0.5, -1, 2]);

describe('gradcheck', () => {
  it('passes right gradients and names every input', async () => {
    const { passed, inputs } = await gradcheck((a, b) => mul(tanh(a), square(b)), [x, array([1, 2, 3])]);
    assert.ok(passed);
    assert.deepEqual(
      inputs.map(({ name }) => name),
      ['input 0', 'input 1'],
    );
    assert.ok(inputs.every(({ maxError }) => maxError < 1e-4));
  });
  it('finds a wrong gradient and its worst element', async () => {
    const { passed, inputs } = await gradcheck((a) => square(apply(new Wrong(1.01), a)), [x]);
    assert.ok(!passed);
    const [{ maxError, analytic, numeric }] = inputs as [(typeof inputs)[number]];
    assert.ok(Math.abs(maxError - 0.01 / 1.01) < 1e-4, `${maxError}`);
    assert.ok(Math.abs(analytic / numeric - 1.01) < 1e-4);
  });
  it('allows for the rounding of large values', async () => {
    const xs = array(new Philox(1).normal(288), [12, 6, 4]);
    const model = new Sequential({ rnn: new LSTM(32, { bidirectional: true }) }, { seed: 1 }).build([6, 4]);
    const { passed, inputs } = await gradcheck((a) => sum(square(model.outputOf(a))), [xs]);
    assert.ok(passed, JSON.stringify(inputs));
  });
  for (const far of [0, 1e3, 1e6]) {
    it(`finds a gradient that is wrong by a tenth where the value is ${far} or more`, async () => {
      const { passed, inputs } = await gradcheck((a) => add(sum(square(apply(new Wrong(1.1), a))), far), [x]);
      assert.ok(!passed && inputs[0]!.maxError > 0.02, JSON.stringify(inputs));
    });
  }
  it('passes a gradient that is nothing but rounding, and no other for 0', async () => {
    const offset = array([0.3]);
    const shares = (a: Tensor, b: Tensor): Tensor => square(softmax(add(a, b)));
    const { passed, inputs } = await gradcheck(shares, [x, offset]);
    assert.ok(passed, JSON.stringify(inputs));
    assert.ok(!(await gradcheck((a) => sum(mul(apply(new Wrong(0), a), 1e-3)), [x])).passed);
    assert.ok(!(await gradcheck((a) => sum(add(a, apply(new Wrong(-1), a))), [x])).passed);
  });
  it('lets a wider tolerance pass it', async () =>
    assert.ok((await gradcheck((a) => square(apply(new Wrong(1.01), a)), [x], { tolerance: 0.1 })).passed));
  it('holds ids', async () => {
    const { inputs } = await gradcheck((table, ids) => gatherRows(table, ids), [array([[1, 2], [3, 4]]), array(Int32Array.of(1, 1, 0))]); // prettier-ignore
    assert.equal(inputs.length, 1);
  });
  it('checks the parameters of a layer before a loss, dropout included', async () => {
    const model = new Sequential({ in: new Linear(3), bend: new Tanh(), drop: new Dropout(0.5), out: new Linear(1) });
    const target = array([[0.5], [-1]]);
    const { passed, inputs } = await gradcheck(model, [array([[1, 2], [0.5, -1]])], { training: true, loss: { loss: new MSELoss(), target } }); // prettier-ignore
    assert.ok(passed, JSON.stringify(inputs));
    assert.deepEqual(
      inputs.map(({ name }) => name),
      ['input 0', 'in.weight', 'in.bias', 'out.weight', 'out.bias'],
    );
  });
  it('checks all outputs, by a loss of each or one of them all', async () => {
    const inputs = [array([[1, 2], [0.5, -1]])]; // prettier-ignore
    const target = { a: array([[0.5], [-1]]), b: array(Int32Array.of(0, 1)) };
    const losses = new Losses({ a: new MSELoss(), b: new CrossEntropyLoss() });
    const names = ['input 0', 'a.weight', 'a.bias', 'b.weight', 'b.bias'];
    for (const loss of [undefined, { loss: losses, target }, { loss: new Difference(), target: target.a }]) {
      const { passed, inputs: found } = await gradcheck(new TwoHeads(1), inputs, { loss });
      assert.ok(passed, JSON.stringify(found));
      assert.deepEqual(
        found.map(({ name }) => name),
        names,
      );
      assert.ok(!(await gradcheck(new TwoHeads(1.1), inputs, { loss })).passed);
    }
    assert.ok((await gradcheck((a) => ({ a, b: square(a) }), [x])).passed);
    await assert.rejects(gradcheck(new TwoHeads(1), inputs, { loss: { loss: losses, target: target.a } }), {
      message: /^Losses: expected targets { a, b }, got one array for y/,
    });
  });
  it('checks a loss of targets of different lengths', async () => {
    const scores = array(new Philox(2).normal(2 * 5 * 3), [2, 5, 3]);
    const target = { labels: array(Int32Array.of(1, 2, 2, -1), [2, 2]), lengths: array(Int32Array.of(5, 3)) };
    const { passed, inputs } = await gradcheck(new Linear(3), [scores], { loss: { loss: new CTCLoss(), target } });
    assert.ok(passed, JSON.stringify(inputs));
  });
  it('checks what layers add to the loss', async () => {
    const [inputs, target] = [[array([1, 2])], array([0, 0])];
    for (const loss of [undefined, { loss: new MSELoss(), target }]) {
      const { passed, inputs: found } = await gradcheck(new Adds(1), inputs, { loss });
      assert.ok(passed && found[0]!.maxError < 1e-4, JSON.stringify(found));
      assert.ok(!(await gradcheck(new Adds(1.1), inputs, { loss })).passed);
    }
  });
  it('refuses what is no tensor', async () => {
    const wrong: readonly (readonly [returned: unknown, got: string])[] = [
      [Promise.resolve(1), 'Promise. Write it without async.'],
      [undefined, 'undefined. Return several as { a, b }.'],
      [[], 'Array. Return several as { a, b }.'],
    ];
    for (const [returned, got] of wrong)
      await assert.rejects(gradcheck((() => returned) as never, [x]), {
        name: 'OptionError',
        message: `gradcheck: expected a function that returns a tensor, or tensors by name, got ${got}`,
      });
  });
  it('refuses wrong options and inputs', async () => {
    await assert.rejects(
      gradcheck((a) => a, [x], { step: 0 }),
      { name: 'OptionError', message: 'gradcheck: expected a number > 0 for step, got 0.' },
    );
    await assert.rejects(
      gradcheck((a) => add(a, 1), [array(Int32Array.of(1))]),
      { name: 'StateError', message: 'gradcheck: expected at least one float32 input or parameter, got none.' },
    );
    const identity = (a: Tensor): Tensor => a;
    const refuses = (call: Promise<unknown>, message: RegExp): Promise<void> => assert.rejects(call, { name: 'OptionError', message });
    await refuses(gradcheck(undefined as never, [x]), /^gradcheck: expected a layer or a function of tensors for the first argument/);
    await refuses(gradcheck(identity, x as never), /^gradcheck: expected a list of arrays made by array\(\) for inputs/);
    await refuses(gradcheck(identity, [new Float32Array(2)] as never), /for inputs/);
    await refuses(
      gradcheck(identity, [x], { loss: { loss: new MSELoss(), target: 1 } as never }),
      /^gradcheck: expected \{ loss, target \}/,
    );
  });
});
