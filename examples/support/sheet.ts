import { init } from 'echarts';
import type { NdArray } from 'lanewise';
import { PNG } from 'pngjs';

/** A picture with what stands below it. */
export interface Cell {
  /** As a data URL. */
  readonly image: string;
  readonly text: string;
}

const size = { width: 110, height: 135, image: 90 };

/** Pictures in rows of `columns`: an SVG with the images inside. */
export function pictureSheet(title: string, cells: readonly Cell[], columns: number): string {
  const width = columns * size.width + 20;
  const height = Math.ceil(cells.length / columns) * size.height + 60;
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  const graphic = cells.flatMap(({ image, text }, i) => {
    const left = 20 + (i % columns) * size.width;
    const top = 50 + Math.floor(i / columns) * size.height;
    return [
      { type: 'image', left, top, style: { image, width: size.image, height: size.image } },
      { type: 'text', left, top: top + size.image + 4, style: { text, fontSize: 12 } },
    ];
  });
  chart.setOption({ animation: false, title: { text: title, left: 'center' }, graphic });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

/** One image [1, H, W, 1] of bytes as a PNG. */
export function grayImage({ data, shape }: NdArray): string {
  return dataUrl(Buffer.from(data), shape, 0);
}

/** One image [1, H, W, 1] of numbers as a PNG: red above 0, blue below, white at 0, the largest of all in full. */
export function heatImage({ data, shape }: NdArray): string {
  const largest = Math.max(...Array.from(data, Math.abs)) || 1;
  const colours = Array.from(data, (value) => {
    const rest = 255 * (1 - Math.abs(value) / largest);
    return value > 0 ? [255, rest, rest] : [rest, rest, 255];
  });
  return dataUrl(Buffer.from(colours.flat()), shape, 2);
}

/** @param colorType 0: grey, 2: red, green and blue, as PNG numbers them */
function dataUrl(bytes: Buffer, shape: readonly number[], colorType: 0 | 2): string {
  const format = { inputColorType: colorType, inputHasAlpha: false, colorType };
  const png = new PNG({ width: shape[2]!, height: shape[1]!, ...format });
  png.data = bytes;
  return `data:image/png;base64,${PNG.sync.write(png, format).toString('base64')}`;
}
