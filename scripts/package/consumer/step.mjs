// The first training step of a program that imports.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { CrossEntropyLoss, Linear, SGD, Sequential, Trainer, array, cpuInfo } from 'lanewise';
import { gemm } from 'lanewise/kernels';

const trainer = new Trainer(new Sequential([new Linear(2)]), { loss: new CrossEntropyLoss(), optimizer: new SGD({ lr: 0.1 }) });
const data = { x: array([1, 0, 0, 1], [2, 2]), y: array(new Int32Array([0, 1])) };
const first = await trainer.step(data);
const second = await trainer.step(data);
assert(second.loss < first.loss);

const c = new Float32Array(1);
gemm({ m: 1, n: 1, k: 2, a: new Float32Array([1, 2]), b: new Float32Array([3, 4]), c });
assert.equal(c[0], 11);
assert.equal(createRequire(import.meta.url)('lanewise').Linear, Linear, 'require and import give one class');
console.log(`loss ${first.loss.toFixed(4)}, then ${second.loss.toFixed(4)} on ${cpuInfo().isa}`);
