import { build } from '../build.js';
import type { Driver } from '../types.js';
import { blisArchitectures, openblasCores } from './blas.js';
import { buildLanewise, buildOneDnn } from './native.js';

/** Where Debian puts libraries and headers of this architecture. */
const triplet = `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`;

export function gemmDrivers(): { found: Driver[]; missing: string[] } {
  const found: Driver[] = [];
  const missing: string[] = [];
  const add = (peer: string, program: string | undefined, variants: Readonly<Record<string, Readonly<Record<string, string>>>>): void => {
    if (program === undefined) missing.push(peer);
    else for (const [variant, environment] of Object.entries(variants)) found.push({ peer, variant, command: [program], environment });
  };

  add('lanewise', buildLanewise('gemm_lanewise'), { '': {} });

  add('onednn', buildOneDnn('gemm_onednn'), { sgemm: { BENCH_VARIANT: 'sgemm' }, matmul: { BENCH_VARIANT: 'matmul' } });

  const openblas = blas('openblas', 'openblas-pthread');
  add('openblas', openblas, Object.fromEntries(openblasCores.map((core) => [core, { OPENBLAS_CORETYPE: core }])));

  const blis = blas('blis', 'blis-openmp');
  add('blis', blis, Object.fromEntries(Object.entries(blisArchitectures).map(([name, number]) => [name, { BLIS_ARCH_TYPE: number }])));
  return { found, missing };
}

function blas(library: string, directory: string): string | undefined {
  return build(`gemm_${library}`, {
    source: 'gemm_blas.cc',
    include: `/usr/include/${triplet}/${directory}`,
    library: `/usr/lib/${triplet}/${directory}`,
    link: [`-l${library}`],
  });
}
