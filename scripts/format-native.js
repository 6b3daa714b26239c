// Runs clang-format with the given arguments on every C++ file that git knows or could know.
import { execFileSync, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

const clangFormat = createRequire(import.meta.url).resolve('clang-format/index.js');
const globs = ['native', 'bench'].flatMap((directory) => [`${directory}/**.h`, `${directory}/**.cc`]);
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '--', ...globs], { encoding: 'utf8' });
const { status } = spawnSync(process.execPath, [clangFormat, ...process.argv.slice(2), ...files.split('\n').filter(Boolean)], {
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
