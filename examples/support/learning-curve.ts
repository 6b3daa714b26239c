import { init } from 'echarts';
import type { History } from 'lanewise';

const panel = { top: 80, bottom: 70, width: 360 };
const distance = 440;
const colors = { training: '#5470c6', test: '#ee6666' };

/** Loss and, where accuracy was measured, error over the epochs as an SVG, side by side, of the training and of the validation data. */
export function learningCurve(title: string, history: History): string {
  const measured = history.last?.metrics.accuracy !== undefined;
  const names = measured ? ['loss', 'error, %'] : ['loss'];
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: 20 + names.length * distance, height: 450 });
  const series = (name: keyof typeof colors, index: number, values: readonly number[]): object => ({
    name,
    type: 'line',
    xAxisIndex: index,
    yAxisIndex: index,
    color: colors[name],
    symbolSize: 6,
    data: history.epochs.map(({ epoch }, i) => [epoch, values[i]!]),
  });
  const errors = (name: string): number[] => history.series(name).map((share) => 100 * (1 - share));
  const last = Math.max(2, history.epochs.length);
  chart.setOption({
    animation: false,
    title: { text: title, left: 'center', top: 10 },
    legend: { bottom: 5, itemGap: 30 },
    grid: names.map((_, i) => ({ ...panel, left: 60 + i * distance })),
    xAxis: names.map((_, gridIndex) => ({
      type: 'value',
      gridIndex,
      name: 'epoch',
      nameLocation: 'middle',
      nameGap: 25,
      min: 1,
      max: last,
      minInterval: 1,
      splitLine: { show: false },
    })),
    yAxis: names.map((name, gridIndex) => ({ type: 'value', gridIndex, name, min: 0 })),
    series: [
      series('training', 0, history.series('loss')),
      series('test', 0, history.series('valLoss')),
      ...(measured ? [series('training', 1, errors('accuracy')), series('test', 1, errors('valAccuracy'))] : []),
    ],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}
