/** Why a classifier of digits says what it says, as pictures and as a test of them. */
import { type Layer, type NdArray, Philox, array, integratedGradients, takeRows } from 'lanewise';
import type { LabelledImages } from './images.js';
import { findMistakes } from './mistakes.js';
import { type Cell, grayImage, heatImage } from './sheet.js';

/** The first digit of each class that is read rightly, then the worst mistakes: each beside what spoke for the answer, red, and against it, blue. */
export async function explanations(model: Layer, { x, y }: LabelledImages, mistakeCount: number): Promise<Cell[]> {
  const mistakes = findMistakes(y.data, await model.predict(x));
  const wrong = new Set(mistakes.map(({ row }) => row));
  const right = Array.from({ length: 10 }, (_, digit) => y.data.findIndex((label, row) => label === digit && !wrong.has(row)));
  const shown = [
    ...right.filter((row) => row >= 0).map((row) => ({ row, answer: y.data[row]!, text: `${y.data[row]}` })),
    ...mistakes.slice(0, mistakeCount).map(({ row, answer, label }) => ({ row, answer, text: `${label},\nread as ${answer}` })),
  ];
  const images = takeRows(
    x,
    shown.map(({ row }) => row),
  );
  const target = array(Int32Array.from(shown, ({ answer }) => answer));
  const reasons = await integratedGradients(model, images, { target });
  return shown.flatMap(({ answer, text }, i) => [
    { image: grayImage(images.rows(i, i + 1)), text },
    { image: heatImage(reasons.rows(i, i + 1)), text: `why ${answer}` },
  ]);
}

/** Shares of digits still read rightly without their `count` most telling pixels, and without as many other pixels with ink. */
export async function deletionTest(
  model: Layer,
  { x, y }: LabelledImages,
  count: number,
): Promise<{ readonly whole: number; readonly telling: number; readonly random: number }> {
  const reasons = await integratedGradients(model, x, { target: y as NdArray<Int32Array> });
  const draws = new Philox(1);
  const width = x.size / x.shape[0]!;
  const telling = x.data.slice();
  const random = x.data.slice();
  for (let begin = 0; begin < x.size; begin += width) {
    const ink = Array.from({ length: width }, (_, i) => begin + i).filter((i) => x.data[i]! > 0);
    for (const i of [...ink].sort((a, b) => reasons.data[b]! - reasons.data[a]!).slice(0, count)) telling[i] = 0;
    for (const k of draws.permutation(ink.length).subarray(0, count)) random[ink[k]!] = 0;
  }
  const share = async (data: NdArray['data']): Promise<number> =>
    1 - findMistakes(y.data, await model.predict(array(data, x.shape))).length / y.size;
  return { whole: await share(x.data), telling: await share(telling), random: await share(random) };
}
