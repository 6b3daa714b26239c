/** The classic Keras net on MNIST with shifted digits, at most 15 epochs: at least 99.2 %. */
import { mnist } from '../examples/support/mnist.js';
import { mnistConvnet } from '../examples/support/recipes.js';
import type { Finding } from './finding.js';
import { findingsOf } from './support/course.js';

export async function run(): Promise<readonly Finding[]> {
  return findingsOf(mnistConvnet, await mnist('train', 60000), await mnist('test', 10000), { accuracy: 0.992 });
}
