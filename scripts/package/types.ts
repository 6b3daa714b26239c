/** Strict TypeScript programs of a stranger: each way TypeScript resolves modules, importing and requiring. */
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Consumer {
  readonly module: string;
  readonly moduleResolution: string;
  /** A program of `module: node16` may not require an ES module: TypeScript has that in node20 and nodenext only. */
  readonly requires: boolean;
}

const consumers: readonly Consumer[] = [
  { module: 'nodenext', moduleResolution: 'nodenext', requires: true },
  { module: 'node20', moduleResolution: 'node16', requires: true },
  { module: 'node16', moduleResolution: 'node16', requires: false },
  { module: 'preserve', moduleResolution: 'bundler', requires: true },
  { module: 'esnext', moduleResolution: 'bundler', requires: false },
  { module: 'es2022', moduleResolution: 'node10', requires: false },
];

/** Compiles the consumers in `project` with every check on, those of the declarations included. Types of Node come from `modules`. */
export function checkTypes(project: string, modules: string, run: (...args: string[]) => string): string {
  mkdirSync(join(project, 'node_modules/@types'), { recursive: true });
  for (const name of ['@types/node', 'undici-types']) {
    const link = join(project, 'node_modules', name);
    if (!existsSync(link)) symlinkSync(join(modules, name), link);
  }
  for (const { module, moduleResolution, requires } of consumers) {
    const config = join(project, `tsconfig.${module}.json`);
    // TypeScript 6 has node10 for the last time.
    const compilerOptions = { module, moduleResolution, ignoreDeprecations: '6.0' };
    writeFileSync(
      config,
      JSON.stringify({ extends: './tsconfig.json', compilerOptions, include: requires ? ['*.mts', '*.cts'] : ['*.mts'] }),
    );
    run(join(modules, 'typescript/lib/tsc.js'), '--project', config);
  }
  return consumers.map(({ module, requires }) => `${module}${requires ? ' and require' : ''}`).join(', ');
}
