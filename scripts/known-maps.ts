/**
 * Writes native/kernels/known_maps.inc: the maps of common training steps, for which the addon has compiled loops. A map that is not listed
 * is interpreted, with the same bits.
 *
 *   npm run known-maps
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { resnet } from '../examples/models/resnet.js';
import {
  Adagrad,
  Adam,
  AdamW,
  array,
  Conv2d,
  CrossEntropyLoss,
  Dropout,
  Flatten,
  type Layer,
  Linear,
  type Optimizer,
  ReLU,
  RMSprop,
  Sequential,
  SGD,
} from '../lib/index.js';
import type { Map as MapInstruction } from '../lib/compile/instructions/index.js';
import { sizeOf } from '../lib/graph/shape.js';
import { Equipment } from '../lib/training/equipment.js';
import { feedOf } from '../lib/training/feed.js';

export const knownMapsFile = fileURLToPath(new URL('../native/kernels/known_maps.inc', import.meta.url));

/** Sizes of native/kernels/known_maps.h. */
const maxSteps = 16;
const maxOutputs = 4;
/** Elements below which a map of these small nets is a matter of channels, not of pixels, units or weights. */
const leastElements = 1024;
/** Functions take so long that interpreting them costs little. */
const functions = new Set(['exp', 'expm1', 'log', 'log1p', 'tanh', 'sigmoid', 'erf', 'sin', 'cos', 'pow']);

const lr = 0.01;
const optimizers: Readonly<Record<string, Optimizer>> = {
  SGD: new SGD({ lr }),
  'SGD, momentum': new SGD({ lr, momentum: 0.9 }),
  'SGD, weightDecay': new SGD({ lr, weightDecay: 1e-4 }),
  'SGD, momentum, weightDecay': new SGD({ lr, momentum: 0.9, weightDecay: 1e-4 }),
  'SGD, nesterov': new SGD({ lr, momentum: 0.9, nesterov: true }),
  'SGD, nesterov, weightDecay': new SGD({ lr, momentum: 0.9, nesterov: true, weightDecay: 1e-4 }),
  Adam: new Adam(),
  'Adam, weightDecay': new Adam({ weightDecay: 1e-4 }),
  AdamW: new AdamW(),
  RMSprop: new RMSprop(),
  Adagrad: new Adagrad(),
};

const convnet = (): Layer => new Sequential([new Conv2d(8, 3), new ReLU(), new Flatten(), new Linear(128), new ReLU(), new Dropout(0.5), new Linear(10)]); // prettier-ignore
const residual = (): Layer => resnet({ widths: [8, 16], blocks: 2, classes: 10, seed: 0 });

/** The list, as C++ initialisers. */
export function knownMaps(): string {
  const rows = new Set<string>();
  const lines = [
    '// Written by scripts/known-maps.ts. {inputs, constants, instructions, outputs, which inputs are single elements, instructions, outputs}',
  ];
  const note = (name: string, model: Layer, optimizer: Optimizer, options: Step = {}): void => {
    const fresh = [...new Set(mapsOf(model, optimizer, options).map(format))].filter((row) => !rows.has(row));
    lines.push(`// ${name}`, ...fresh);
    for (const row of fresh) rows.add(row);
  };
  note('ReLU, Dropout', convnet(), new SGD({ lr }));
  note('BatchNorm, residual blocks', residual(), new SGD({ lr }));
  for (const [name, optimizer] of Object.entries(optimizers)) note(name, convnet(), optimizer);
  for (const [name, optimizer] of Object.entries(optimizers)) note(`${name}, clipNorm`, convnet(), optimizer, { clipNorm: 1 });
  for (const [name, optimizer] of Object.entries(optimizers)) note(`${name}, accumulate`, convnet(), optimizer, { accumulates: true });
  return `${lines.join('\n')}\n`;
}

interface Step {
  readonly clipNorm?: number;
  /** Several batches for one update. */
  readonly accumulates?: boolean;
}

function mapsOf(model: Layer, optimizer: Optimizer, { clipNorm, accumulates }: Step): readonly MapInstruction[] {
  const batch = { x: array(new Float32Array(16 * 16 * 16), [16, 16, 16, 1]), y: array(new Int32Array(16), [16]) };
  const equipment = new Equipment(model.build([16, 16, 1]).model, { loss: new CrossEntropyLoss(), optimizer, clipNorm });
  const { program, update } = equipment.trainingProgram(feedOf(batch), { accumulates });
  const instructions = [...program.instructions, ...(update?.program.instructions ?? [])];
  return instructions.filter((instruction): instruction is MapInstruction => instruction.kind === 'map' && isWorthwhile(instruction));
}

function isWorthwhile({ dims, inputs, steps, outputs }: MapInstruction): boolean {
  return (
    sizeOf(dims) >= leastElements &&
    steps.length > 1 &&
    steps.length <= maxSteps &&
    outputs.length <= maxOutputs &&
    [...inputs, ...outputs].every(({ tensor }) => tensor.dtype === 'float32') &&
    steps.every(({ op }) => !functions.has(op))
  );
}

function format({ dims, inputs, constants, steps, outputs }: MapInstruction): string {
  const isRepeated = inputs.map(({ strides }) => strides.every((stride, d) => stride === 0 || dims[d] === 1));
  const repeated = isRepeated.reduce((bits, is, i) => bits | (Number(is) << i), 0);
  const instructions = steps.map(({ op, a, b, c }) => `{MapOp::${snakeCase(op)}, ${a}, ${b}, ${c}}`);
  const counts = [inputs.length, constants.length, steps.length, outputs.length, `0b${repeated.toString(2)}`];
  return `{${[...counts, `{${instructions.join(', ')}}`, `{${outputs.map(({ register }) => register).join(', ')}}`].join(', ')}},`;
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

if (import.meta.url === pathToFileURL(process.argv[1]!).href) writeFileSync(knownMapsFile, knownMaps());
