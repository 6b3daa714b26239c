/** LeNet-5 on MNIST with shifted digits: at least 99.05 %. */
import { mnist } from '../examples/support/mnist.js';
import { mnistLenet5 } from '../examples/support/recipes.js';
import type { Finding } from './finding.js';
import { findingsOf } from './support/course.js';

export async function run(): Promise<readonly Finding[]> {
  return findingsOf(mnistLenet5, await mnist('train', 60000), await mnist('test', 10000), { accuracy: 0.9905 });
}
