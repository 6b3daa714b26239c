/** A net of fewer than 120,000 parameters on Fashion-MNIST: at least 92.5 %. */
import { fashionMnist } from '../examples/support/fashion-mnist.js';
import { fashionSmall } from '../examples/support/recipes.js';
import type { Finding } from './finding.js';
import { findingsOf } from './support/course.js';

export async function run(): Promise<readonly Finding[]> {
  const target = { accuracy: 0.925, parameters: 120_000 };
  return findingsOf(fashionSmall, await fashionMnist('train', 60000), await fashionMnist('test', 10000), target);
}
