import { digits1989 } from './examples/support/digits-1989.js';
import { climb, errorOf, rungs } from './examples/support/ladder-1989.js';
const test = await digits1989('test', { rows: 10000 });
const out: number[] = [];
for (let seed = 1989; seed < 2009; seed++) {
  const t0 = performance.now();
  const train = await digits1989('train', { seed });
  const model = await climb(rungs[0]!, train);
  out.push(await errorOf(model, test));
  console.log(seed, out.at(-1)!.toFixed(2), 'mean', (out.reduce((a, b) => a + b) / out.length).toFixed(3), ((performance.now() - t0) / 1000).toFixed(0) + ' s');
}
