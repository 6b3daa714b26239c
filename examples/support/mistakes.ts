import { init } from 'echarts';
import type { NdArray } from 'lanewise';
import { PNG } from 'pngjs';
import type { LabelledImages } from './images.js';

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
const cell = { width: 110, height: 135, image: 90 };

/** The first mistakes as a sheet, each with its class and the model's answer: an SVG with the images inside. */
export function mistakeSheet(title: string, { x }: LabelledImages, mistakes: readonly Mistake[], names: readonly string[]): string {
  const shown = mistakes.slice(0, 5 * columns);
  const width = columns * cell.width + 20;
  const height = Math.ceil(shown.length / columns) * cell.height + 60;
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  const cells = shown.flatMap(({ row, label, answer }, i) => {
    const left = 20 + (i % columns) * cell.width;
    const top = 50 + Math.floor(i / columns) * cell.height;
    const text = `${names[label]!},\nnot ${names[answer]!}`;
    return [
      { type: 'image', left, top, style: { image: dataUrl(x.rows(row, row + 1)), width: cell.image, height: cell.image } },
      { type: 'text', left, top: top + cell.image + 4, style: { text, fontSize: 12 } },
    ];
  });
  chart.setOption({ animation: false, title: { text: title, left: 'center' }, graphic: cells });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

/** One image [1, H, W, 1] of bytes as a PNG. */
function dataUrl({ data, shape }: NdArray): string {
  const png = new PNG({ width: shape[2]!, height: shape[1]!, inputColorType: 0, inputHasAlpha: false, colorType: 0 });
  png.data = Buffer.from(data);
  const bytes = PNG.sync.write(png, { inputColorType: 0, inputHasAlpha: false, colorType: 0 });
  return `data:image/png;base64,${bytes.toString('base64')}`;
}
