// Runs node-gyp with the headers that came with this node where there are any, so that building downloads nothing.
// Usage: node scripts/build-native.js rebuild|configure|build [node-gyp arguments] [-- gyp arguments]
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';

const prefix = resolve(process.execPath, '../..');
const bundled = ['node_api.h', 'common.gypi', 'config.gypi'].every((name) => existsSync(resolve(prefix, 'include/node', name)));
const args = process.argv.slice(2);
if (bundled && process.env.npm_config_nodedir === undefined) args.splice(1, 0, `--nodedir=${prefix}`);

// A checkout's own node-gyp; elsewhere the one that npm puts on the PATH of the scripts it runs.
const PATH = [resolve(import.meta.dirname, '../node_modules/.bin'), process.env.PATH].join(delimiter);
const { status, error } = spawnSync('node-gyp', args, {
  stdio: 'inherit',
  env: { ...process.env, PATH },
  shell: process.platform === 'win32',
});
if (error !== undefined) console.error(`node-gyp: ${error.message}. Run this as: npm run build:native`);
process.exitCode = status ?? 1;
