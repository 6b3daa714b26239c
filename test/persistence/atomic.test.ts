import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { chmod, lstat, mkdir, mkdtemp, readFile, readdir, readlink, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { writeAtomically } from '../../lib/persistence/atomic.js';
import { temporaryPath } from '../../lib/persistence/temporary.js';

const content = [Uint8Array.of(110, 101), Uint8Array.of(119)];

// Windows makes links for administrators alone, and has no modes.
(process.platform === 'win32' ? describe.skip : describe)('writeAtomically', () => {
  let folder: string;
  const at = (...path: string[]): string => join(folder, ...path);
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lanewise-'));
    await mkdir(at('links'));
    await mkdir(at('files'));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

  it('keeps the mode of an old file, and gives a new one that of the process', async () => {
    for (const mode of [0o600, 0o640, 0o666, 0o444]) {
      await writeFile(at('old'), 'old');
      await chmod(at('old'), mode);
      await writeAtomically(at('old'), content);
      assert.deepEqual([await readFile(at('old'), 'utf8'), await modeOf(at('old'))], ['new', mode]);
      await rm(at('old'));
    }
    await writeAtomically(at('new'), content);
    assert.equal(await modeOf(at('new')), 0o666 & ~process.umask());
  });
  it('lets nobody read more than the old file while it is written', async () => {
    await writeFile(at('files', 'old'), 'old');
    await chmod(at('files', 'old'), 0o600);
    const modes: number[] = [];
    const parts = Object.assign([...content], {
      *[Symbol.iterator]() {
        for (const name of readdirSync(at('files'))) modes.push(statSync(at('files', name)).mode & 0o777);
        yield* content;
      },
    });
    await writeAtomically(at('files', 'old'), parts);
    assert.deepEqual([modes, await readFile(at('files', 'old'), 'utf8')], [[0o600, 0o600], 'new']);
  });
  it('writes what links lead to, and leaves the links', async () => {
    await writeFile(at('files', 'a'), 'old');
    await chmod(at('files', 'a'), 0o600);
    await symlink('../files/a', at('links', 'first'));
    await symlink(at('links', 'first'), at('links', 'second'));
    await writeAtomically(at('links', 'second'), content);
    assert.deepEqual([await readFile(at('files', 'a'), 'utf8'), await modeOf(at('files', 'a'))], ['new', 0o600]);
    assert.deepEqual([await readlink(at('links', 'first')), await readlink(at('links', 'second'))], ['../files/a', at('links', 'first')]);
    assert.deepEqual([await readdir(at('files')), await readdir(at('links'))], [['a'], ['first', 'second']]);
  });
  it('writes where links lead to a file that is not there yet', async () => {
    await symlink(at('links'), at('folder'));
    await symlink('../files/a', at('links', 'first'));
    await symlink('first', at('links', 'second'));
    await writeAtomically(at('folder', 'second'), content);
    assert.equal(await readFile(at('files', 'a'), 'utf8'), 'new');
    assert.ok((await lstat(at('links', 'second'))).isSymbolicLink());
  });
  it('refuses links that lead nowhere, and leaves them', async () => {
    await symlink('b', at('a'));
    await symlink('a', at('b'));
    await symlink('no/such', at('c'));
    const loop = new RegExp(`^save: expected to write ${at('a')}, got ELOOP.*The old file, if there was one, is unchanged\\.$`);
    await assert.rejects(writeAtomically(at('a'), content), { name: 'FileError', message: loop });
    const noFolder = new RegExp(`^save: expected to write ${at('c')}, got ENOENT: no folder .*/no\\. Make the folder first\\.$`);
    await assert.rejects(writeAtomically(at('c'), content), { name: 'FileError', message: noFolder });
    assert.deepEqual((await readdir(folder)).sort(), ['a', 'b', 'c', 'files', 'links']);
  });
  it('asks for the folder, and names the file asked for', () =>
    assert.rejects(writeAtomically(at('no', 'such', 'x'), content), {
      name: 'FileError',
      message: `save: expected to write ${at('no', 'such', 'x')}, got ENOENT: no folder ${at('no', 'such')}. Make the folder first.`,
    }));
  it('leaves an old file as it is, and no other, if it fails', async () => {
    await writeFile(at('files', 'a'), 'old');
    await symlink('../files/a', at('links', 'a'));
    await assert.rejects(writeAtomically(at('links', 'a'), [...content, null as never]), { name: 'FileError', message: /unchanged\.$/ });
    assert.deepEqual([await readdir(at('files')), await readdir(at('links'))], [['a'], ['a']]);
    assert.equal(await readFile(at('files', 'a'), 'utf8'), 'old');
  });
  it('replaces nothing but files', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    await symlink('pipe', at('link'));
    for (const name of ['pipe', 'link', 'files']) {
      await assert.rejects(writeAtomically(at(name), content), {
        name: 'FileError',
        message: `save: expected a file or nothing at ${at(name)}, got something else, such as a folder or a pipe. Choose another name.`,
      });
    }
    assert.ok((await lstat(at('pipe'))).isFIFO());
    assert.deepEqual((await readdir(folder)).sort(), ['files', 'link', 'links', 'pipe']);
  });
  it('leaves what the last call wrote, whichever takes how long', async () => {
    const first = writeAtomically(at('a'), content);
    const second = writeAtomically(at('a'), [new Uint8Array(2 ** 25)]);
    await first;
    await Promise.all([second, writeAtomically(at('a'), content)]);
    assert.equal(await readFile(at('a'), 'utf8'), 'new');
  });
  it('takes names as long as the system does', async () => {
    const name = 'a'.repeat(255);
    await writeAtomically(at(name), content);
    assert.equal(await readFile(at(name), 'utf8'), 'new');
  });
  it('removes what processes that were killed have left of the same file, and nothing else', async () => {
    const over = spawnSync(process.execPath, ['-e', '0']).pid;
    const leftOf = async (target: string, pid: number, age = 0): Promise<string> => {
      const path = temporaryPath(at(target)).replace(`-${process.pid}-`, `-${pid}-`);
      await writeFile(path, 'half');
      const then = Date.now() / 1000 - age;
      await utimes(path, then, then);
      return basename(path);
    };
    const old = 3700;
    const [before, left] = [await leftOf('a', process.pid, old), await leftOf('a', over, old)];
    const others = [
      await leftOf('a', process.pid),
      await leftOf('a', over),
      await leftOf('a', process.ppid, old),
      await leftOf('b', over, old),
    ];
    await writeFile(at('lanewise-a.tmp'), 'not ours');
    await writeAtomically(at('a'), content);
    const names = await readdir(folder);
    assert.deepEqual(names.filter((name) => [before, left].includes(name)), []); // prettier-ignore
    assert.deepEqual(names.sort(), ['a', 'files', 'lanewise-a.tmp', 'links', ...others].sort());
  });
});
