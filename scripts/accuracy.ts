// npm run accuracy -- NAME: trains accuracy/NAME.ts and checks what it reaches.
import { readdirSync } from 'node:fs';

const directory = new URL('../accuracy/', import.meta.url);
const names = readdirSync(directory).flatMap((file) => (file.endsWith('.ts') ? [file.slice(0, -3)] : []));
const name = process.argv[2];
if (name === undefined || !names.includes(name)) {
  console.error(`usage: npm run accuracy -- ${names.join('|')}`);
  process.exitCode = 2;
} else {
  await import(new URL(`${name}.ts`, directory).href);
}
