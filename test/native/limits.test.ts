import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { maxRank } from '../../lib/compile/encode.js';
import { maxConstants, maxInputs, maxOutputs, maxSteps } from '../../lib/compile/map-limits.js';
import { maxLabels } from '../../lib/ops/ctc.js';
import { chunkRows, singleColumnChunkRows } from '../../lib/ops/norm.js';
import { panelUnits } from '../../lib/ops/recurrent-kernels.js';
import { mostChannels, positions, tileSide } from '../../lib/ops/winograd.js';

const header = readFileSync(new URL('../../native/kernels/args.h', import.meta.url), 'utf8');
const lines = header.split('\n').filter((line) => line.startsWith('constexpr '));
const constants = new Map(lines.flatMap((line) => [...line.matchAll(/(k\w+) = (\d+)[,;]/g)]).map(([, name, value]) => [name, Number(value)]));

describe('sizes that the compiler shares with the kernels', () => {
  const shared = {
    kMaxRank: maxRank,
    kMaxMapInputs: maxInputs,
    kMaxMapConstants: maxConstants,
    kMaxMapInstructions: maxSteps,
    kMaxMapOutputs: maxOutputs,
    kMaxWinogradChannels: mostChannels,
    kWinogradTile: tileSide,
    kWinogradPositions: positions,
    kChunkRows: chunkRows,
    kSingleColumnChunkRows: singleColumnChunkRows,
    kPanelUnits: panelUnits,
    kMaxCtcLabels: maxLabels,
  };
  for (const [name, value] of Object.entries(shared)) it(`${name} is ${value}`, () => assert.equal(constants.get(name), value));
});
