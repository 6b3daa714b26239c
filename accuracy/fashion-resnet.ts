/** A residual net on Fashion-MNIST with shifted and mirrored images: at least 94.5 % in half an hour on two processors. */
import { fashionMnist } from '../examples/support/fashion-mnist.js';
import { fashionResnet } from '../examples/support/recipes.js';
import type { Finding } from './finding.js';
import { findingsOf } from './support/course.js';

export async function run(): Promise<readonly Finding[]> {
  const target = { accuracy: 0.945, minutes: 30 };
  return findingsOf(fashionResnet, await fashionMnist('train', 60000), await fashionMnist('test', 10000), target);
}
