/** What a binary is for, by its header: 'linux-x64' for ELF, 'darwin-arm64' for Mach-O, 'win32-x64' for PE; undefined for anything else. */
export function formatOf(bytes: Buffer): string | undefined {
  switch (bytes.subarray(0, 4).toString('latin1')) {
    case '\x7fELF':
      return named('linux', { 0x3e: 'x64', 0xb7: 'arm64' }, bytes.readUInt16LE(18));
    case '\xcf\xfa\xed\xfe':
      return named('darwin', { 0x01000007: 'x64', 0x0100000c: 'arm64' }, bytes.readUInt32LE(4));
    default:
      return bytes.subarray(0, 2).toString() === 'MZ'
        ? named('win32', { 0x8664: 'x64', 0xaa64: 'arm64' }, bytes.readUInt16LE(bytes.readUInt32LE(60) + 4))
        : undefined;
  }
}

function named(system: string, machines: Readonly<Record<number, string>>, machine: number): string {
  return `${system}-${machines[machine] ?? `machine ${machine}`}`;
}
