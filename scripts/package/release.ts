/** What a tarball for a release must say of itself, and what its binaries must be. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { formatOf } from '../platforms/format.js';

export interface Manifest {
  readonly version: string;
  readonly repository?: { readonly type?: string; readonly url?: string };
  readonly homepage?: string;
  readonly bugs?: { readonly url?: string };
}

export type ReleaseEnvironment = Readonly<Record<string, string | undefined>>;

/**
 * npm refuses provenance unless the manifest names the repository that the workflow runs in; a release is of the version its tag names.
 * @param environment that of a workflow of GitHub
 * @throws Error naming what is missing
 */
export function checkRelease({ version, repository, homepage, bugs }: Manifest, environment: ReleaseEnvironment): string {
  const { GITHUB_REPOSITORY: name, GITHUB_REF_TYPE: refType, GITHUB_REF_NAME: tag } = environment;
  if (repository?.url === undefined || homepage === undefined || bugs?.url === undefined)
    throw new Error('package.json: expected repository.url, homepage and bugs.url for a release, got none. Set them with npm pkg set.');
  if (name !== undefined && !repository.url.endsWith(`/${name}.git`))
    throw new Error(`package.json: expected the repository ${name} that is released from, got ${repository.url}.`);
  if (refType === 'tag' && tag !== `v${version}`) throw new Error(`package.json: expected the version of the tag ${tag}, got ${version}.`);
  return `${version}, ${repository.url}`;
}

const entryPoints = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];
const external = /napi_create_external_(?:array)?buffer/;

/**
 * Looks at the binaries of every platform by their bytes, which needs no tool: each is for the platform whose folder it is in, has the entry
 * points of Node-API, and makes no ArrayBuffers on memory of its own. scripts/check-binary.sh looks closer at those for Linux.
 * @throws Error naming the first that is wrong
 */
export function checkBinaries(prebuilds: string): string {
  const names = readdirSync(prebuilds);
  for (const platform of names) {
    for (const file of readdirSync(join(prebuilds, platform))) {
      const bytes = readFileSync(join(prebuilds, platform, file));
      const where = `${platform}/${file}`;
      if (formatOf(bytes) !== platform)
        throw new Error(`${where}: expected a binary for ${platform}, got one for ${formatOf(bytes) ?? 'none'}.`);
      const missing = entryPoints.find((name) => !bytes.includes(name));
      if (missing !== undefined) throw new Error(`${where}: expected the entry point ${missing}, got none.`);
      const [made] = external.exec(bytes.toString('latin1')) ?? [];
      if (made !== undefined) throw new Error(`${where}: expected no external ArrayBuffers, got ${made}.`);
    }
  }
  return names.join(', ');
}
