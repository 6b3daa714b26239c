/**
 * Jazzer.js 4.0.0 needs three functions that came with glibc 2.38 and GCC 13. On an older system they come from a small library, and
 * the versions that its binary asks for are made optional.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

const source = `
#include <stdlib.h>
#include <ios>
static std::ios_base::Init streams;
extern "C" {
long __isoc23_strtol(const char* text, char** end, int base) { return strtol(text, end, base); }
unsigned long __isoc23_strtoul(const char* text, char** end, int base) { return strtoul(text, end, base); }
void _ZSt21ios_base_library_initv() {}
}
`;
const neededVersions = 0x6ffffffe;
const weak = 2;

/** What to add to the environment so that `binary` loads here; `folder` receives the library. */
export function olderSystem(binary: string, folder: string): { LD_PRELOAD?: string } {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  const [major = 0, minor = 0] = (header.glibcVersionRuntime ?? '9.9').split('.').map(Number);
  if (major > 2 || minor >= 38) return {};
  writeFileSync(binary, makeVersionsOptional(readFileSync(binary)));
  const library = resolve(folder, 'older-system.so');
  execFileSync('g++', ['-shared', '-fPIC', '-O1', '-x', 'c++', '-', '-o', library], { input: source });
  return { LD_PRELOAD: library };
}

/** Sets the weak flag of every version in an ELF file of 64 bits. @see Linux Standard Base Core 5.0, 10.7 Symbol Versioning */
function makeVersionsOptional(file: Buffer): Buffer {
  const sections = Number(file.readBigUInt64LE(40));
  for (let i = 0; i < file.readUInt16LE(60); i++) {
    const section = sections + i * file.readUInt16LE(58);
    if (file.readUInt32LE(section + 4) !== neededVersions) continue;
    let need = Number(file.readBigUInt64LE(section + 24));
    for (let libraries = file.readUInt32LE(section + 44); libraries > 0; libraries--) {
      let version = need + file.readUInt32LE(need + 8);
      for (let versions = file.readUInt16LE(need + 2); versions > 0; versions--) {
        file.writeUInt16LE(file.readUInt16LE(version + 4) | weak, version + 4);
        version += file.readUInt32LE(version + 12);
      }
      need += file.readUInt32LE(need + 12);
    }
  }
  return file;
}
