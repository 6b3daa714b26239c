import type { NdArray } from 'lanewise';
import type { LabelledImages } from './images.js';
import { grayImage, pictureSheet } from './sheet.js';

export interface Mistake {
  readonly row: number;
  readonly label: number;
  readonly answer: number;
  /** −log of the probability that the model gave the right class. */
  readonly loss: number;
}

/** The rows whose highest score is not their class's, those first that surprise the model most. */
export function findMistakes(labels: ArrayLike<number>, scores: NdArray): Mistake[] {
  const classes = scores.shape[1]!;
  const mistakes: Mistake[] = [];
  for (let row = 0; row < labels.length; row++) {
    const own = scores.data.subarray(row * classes, (row + 1) * classes);
    const highest = Math.max(...own);
    const label = labels[row]!;
    const answer = own.indexOf(highest);
    const logSumExp = highest + Math.log([...own].reduce((sum, score) => sum + Math.exp(score - highest), 0));
    if (answer !== label) mistakes.push({ row, label, answer, loss: logSumExp - own[label]! });
  }
  return mistakes.sort((a, b) => b.loss - a.loss);
}

const columns = 8;

/** The first mistakes as a sheet, each with its class and the model's answer: an SVG with the images inside. */
export function mistakeSheet(title: string, { x }: LabelledImages, mistakes: readonly Mistake[], names: readonly string[]): string {
  const cells = mistakes.slice(0, 5 * columns).map(({ row, label, answer }) => ({
    image: grayImage(x.rows(row, row + 1)),
    text: `${names[label]!},\nnot ${names[answer]!}`,
  }));
  return pictureSheet(title, cells, columns);
}
