/** Recurrent sequences unrolled in ordinary operations: the oracle of ops/recurrent.ts. */
import type { Tensor } from '../../lib/graph/tensor.js';
import { add, concat, greater, matmul, mul, relu, reshape, sigmoid, slice, sub, tanh, where } from '../../lib/ops/index.js';
import type { Recurrence, RecurrentOptions } from '../../lib/ops/recurrent.js';

/** The new state of one step: g [N, gates·H] and the state before it, h first. */
type Step = (g: Tensor, states: readonly Tensor[]) => readonly Tensor[];

/** Steps where a row has ended leave its state alone and give 0. */
function unroll(
  g: Tensor,
  start: readonly Tensor[],
  { reverse = false, lengths }: RecurrentOptions,
  step: Step,
): { readonly y: Tensor; readonly states: readonly Tensor[] } {
  const [t, n, width] = g.shape as [number, number, number];
  const times = Array.from({ length: t }, (_, i) => (reverse ? t - 1 - i : i));
  const ys: Tensor[] = [];
  let states = start;
  for (const time of times) {
    const made = step(reshape(slice(g, [time, 0, 0], [1, n, width]), [n, width]), states);
    const alive = lengths && reshape(greater(lengths, time), [n, 1]);
    states = alive === undefined ? made : made.map((state, i) => where(alive, state, states[i]!));
    ys[time] = alive === undefined ? made[0]! : where(alive, made[0]!, 0);
  }
  return { y: reshape(concat(ys), [t, n, start[0]!.shape[1]!]), states };
}

/** Columns [i·H, (i + 1)·H) for each gate i. */
function gatesOf(x: Tensor, count: number): readonly Tensor[] {
  const [n, width] = x.shape as [number, number];
  const h = width / count;
  return Array.from({ length: count }, (_, i) => slice(x, [0, i * h], [n, h]));
}

/** h' = f(g + h·U) */
export function elman(
  g: Tensor,
  u: Tensor,
  h0: Tensor,
  options: RecurrentOptions & { readonly nonlinearity?: 'tanh' | 'relu' | undefined } = {},
): Recurrence {
  const bend = options.nonlinearity === 'relu' ? relu : tanh;
  const { y, states } = unroll(g, [h0], options, (now, [h]) => [bend(add(now, matmul(h!, u)))]);
  return { y, h: states[0]! };
}

/** i, f, c̃, o = σ, σ, tanh, σ of g + h·U;  c' = f·c + i·c̃;  h' = o·tanh(c') */
export function lstm(g: Tensor, u: Tensor, h0: Tensor, c0: Tensor, options: RecurrentOptions = {}): Recurrence & { readonly c: Tensor } {
  const { y, states } = unroll(g, [h0, c0], options, (now, [h, c]) => {
    const [i, f, candidate, o] = gatesOf(add(now, matmul(h!, u)), 4) as [Tensor, Tensor, Tensor, Tensor];
    const next = add(mul(sigmoid(f), c!), mul(sigmoid(i), tanh(candidate)));
    return [mul(sigmoid(o), tanh(next)), next];
  });
  return { y, h: states[0]!, c: states[1]! };
}

/** r, z = σ of g + h·U;  n = tanh(gₙ + r·(h·Uₙ + bₙ)), or tanh(gₙ + (r·h)·Uₙ + bₙ);  h' = (1 − z)·n + z·h */
export function gru(
  g: Tensor,
  u: Tensor,
  h0: Tensor,
  options: RecurrentOptions & { readonly recurrentBias?: Tensor | undefined; readonly resetAfter?: boolean | undefined } = {},
): Recurrence {
  const { recurrentBias, resetAfter = true } = options;
  const [ur, uz, un] = gatesOf(u, 3) as [Tensor, Tensor, Tensor];
  const biased = (x: Tensor): Tensor => (recurrentBias === undefined ? x : add(x, recurrentBias));
  const { y, states } = unroll(g, [h0], options, (now, [h]) => {
    const [gr, gz, gn] = gatesOf(now, 3) as [Tensor, Tensor, Tensor];
    const r = sigmoid(add(gr, matmul(h!, ur)));
    const z = sigmoid(add(gz, matmul(h!, uz)));
    const recurrent = resetAfter ? mul(r, biased(matmul(h!, un))) : biased(matmul(mul(r, h!), un));
    const n = tanh(add(gn, recurrent));
    return [add(mul(sub(1, z), n), mul(z, h!))];
  });
  return { y, h: states[0]! };
}
