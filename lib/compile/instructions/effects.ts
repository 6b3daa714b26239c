/** What an instruction reads and writes, and what of the data may make it fail. */
import { type Tensor, present } from '../../graph/tensor.js';
import type { Instruction } from './instruction.js';

/** The tensors an instruction reads; one it both reads and changes is only in `writesOf`. */
export function readsOf(x: Instruction): readonly Tensor[] {
  switch (x.kind) {
    case 'gemm':
      return present([x.a, x.b, x.bias]);
    case 'map':
      return x.inputs.map((input) => input.tensor);
    case 'reduce':
    case 'argReduce':
    case 'softmax':
    case 'copy':
    case 'maxPool':
    case 'avgPool':
    case 'columnMoments':
      return [x.in];
    case 'softmaxBackward':
      return [x.y, x.dy];
    case 'crossEntropy':
      return [x.logits, x.ids];
    case 'crossEntropyBackward':
      return [x.logits, x.ids, x.dloss];
    case 'gatherRows':
      return [x.table, x.ids];
    case 'scatterAddRows':
    case 'mergeRows':
      return [x.dy, x.ids];
    case 'writeRows':
      return [x.in, x.ids];
    case 'ctc':
      return [x.logp, x.ids, x.frames];
    case 'ctcBackward':
      return [x.logp, x.ids, x.frames, x.loss, x.alpha, x.dloss];
    case 'fill':
    case 'random':
      return [];
    case 'convForward':
      return present([x.x, x.w, x.bias]);
    case 'convBackwardData':
      return [x.dy, x.w];
    case 'convBackwardWeights':
      return [x.x, x.dy];
    case 'maxPoolBackward':
      return [x.dy, x.index];
    case 'avgPoolBackward':
      return [x.dy];
    case 'columnProducts':
      return [x.x, x.mean, x.dy];
    case 'affineSample':
      return [x.x, x.theta];
    case 'winogradWeights':
      return [x.w];
    case 'winogradConv':
      return present([x.x, x.u, x.bias]);
    case 'winogradBackwardWeights':
      return [x.x, x.dy];
    case 'winogradGradient':
      return [x.sums];
    case 'recurrentForward':
      return present([x.g, x.u, x.h0, x.c0, x.bias, x.lengths]);
    case 'recurrentBackward':
      return present([x.u, x.states, x.cells, x.gates, x.q, x.dy, x.dh, x.dc, x.lengths]);
    case 'recurrentPanels':
      return [x.u];
    default:
      return x satisfies never;
  }
}

/** The tensors an instruction writes, wholly or in part. */
export function writesOf(x: Instruction): readonly Tensor[] {
  switch (x.kind) {
    case 'map':
      return x.outputs.map((output) => output.tensor);
    case 'maxPool':
      return [x.out, x.outIndex];
    case 'columnMoments':
      return [x.outMean, x.outVariance, x.outChunks];
    case 'columnProducts':
      return [x.outSum, x.outProduct, x.outChunks];
    case 'recurrentForward':
      return present([x.outStates, x.outCells, x.outGates, x.outQ]);
    case 'recurrentBackward':
      return present([x.outDgates, x.outDh0, x.outDc0, x.outDq]);
    case 'mergeRows':
      return [x.out, x.outOwners];
    case 'ctc':
      return [x.out, x.outAlpha];
    default:
      return [x.out];
  }
}

/** What indices (of a recurrence: lengths) in the data must be below, or the step fails; undefined: no value in the data makes it fail. */
export function indexLimit(x: Instruction): number | undefined {
  switch (x.kind) {
    case 'gatherRows':
    case 'scatterAddRows':
    case 'mergeRows':
      return x.tableRows;
    case 'crossEntropy':
    case 'crossEntropyBackward':
      return x.columns;
    case 'ctc':
    case 'ctcBackward':
      return x.shape.classes;
    case 'recurrentForward':
      return x.lengths && x.shape.t + 1;
    default:
      return undefined;
  }
}

/** Whether values in the data can make it fail: it must run before a step commits. */
export function canFail(x: Instruction): boolean {
  return indexLimit(x) !== undefined;
}
