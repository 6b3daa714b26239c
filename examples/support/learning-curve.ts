import { init } from 'echarts';
import type { History } from 'lanewise';

/** Loss and, where accuracy was measured, error over the epochs as an SVG, of the training and of the validation data. */
export function learningCurve(title: string, history: History): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: 800, height: 450 });
  const series = (name: string, values: readonly number[], yAxisIndex: number, dashed: boolean): object => ({
    name,
    type: 'line',
    yAxisIndex,
    lineStyle: { type: dashed ? 'dashed' : 'solid' },
    data: history.epochs.map(({ epoch }, i) => [epoch, values[i]!]),
  });
  const errors = (name: string): number[] => history.series(name).map((share) => 100 * (1 - share));
  const measured = history.last?.metrics.accuracy !== undefined;
  chart.setOption({
    animation: false,
    title: { text: title, left: 'center' },
    legend: { bottom: 0 },
    xAxis: { type: 'value', name: 'epoch', min: 1, max: Math.max(2, history.epochs.length), minInterval: 1 },
    yAxis: [
      { type: 'value', name: 'loss', min: 0 },
      ...(measured ? [{ type: 'value', name: 'error, %', min: 0, splitLine: { show: false } }] : []),
    ],
    series: [
      series('loss, training', history.series('loss'), 0, false),
      series('loss, test', history.series('valLoss'), 0, true),
      ...(measured ? [series('error, training', errors('accuracy'), 1, false), series('error, test', errors('valAccuracy'), 1, true)] : []),
    ],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}
