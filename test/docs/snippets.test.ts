/** The TypeScript blocks of the README and of the docstrings compile, behind imports of what they name: of this library, or of names.ts. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';

interface Snippet {
  readonly file: string;
  /** Of the line behind the fence, from 1. */
  readonly line: number;
  readonly text: string;
}

/** Text between ```ts and ```, without the asterisks before the lines of a docstring. */
const block = /^( *\* )?```ts\n(.*?)^( *\* )?```$/gms;
const asterisk = /^ *\* ?/gm;

function snippetsOf(file: string): readonly Snippet[] {
  const content = readFileSync(file, 'utf8');
  return [...content.matchAll(block)].map(({ index, 1: prefix, 2: text }) => ({
    file,
    line: content.slice(0, index).split('\n').length + 1,
    text: prefix === undefined ? text! : text!.replace(asterisk, ''),
  }));
}

const modules = readdirSync('lib', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
// What `this` is stands around a fragment of a method.
const snippets = ['README.md', ...modules.map((file) => join('lib', file))]
  .flatMap(snippetsOf)
  .filter(({ text }) => !/^\S.*\bthis\./m.test(text));

/** As the compiler names files, on Windows too. */
const pathOf = (file: string): string => resolve(file).replaceAll('\\', '/');
/** Where names come from, the first first: what snippets leave to their reader, and this library. */
const sources = ['test/docs/names.ts', 'lib/index.ts'].map(pathOf);
const { options } = ts.parseJsonConfigFileContent(
  { extends: './tsconfig.json', compilerOptions: { noUnusedLocals: false, noUnusedParameters: false, verbatimModuleSyntax: false } },
  ts.sys,
  '.',
);

// As in Node, which strips types and makes nothing of a parameter property.
options.erasableSyntaxOnly = true;

/** Compiles files that are not there beside those that are. @param known sources parsed before */
function programOf(texts: ReadonlyMap<string, string>, known: Map<string, ts.SourceFile | undefined>): ts.Program {
  const host = ts.createCompilerHost(options);
  const getSourceFile = (file: string, language: ts.ScriptTarget | ts.CreateSourceFileOptions): ts.SourceFile | undefined => {
    const text = texts.get(file);
    if (text !== undefined) return ts.createSourceFile(file, text, language);
    if (!known.has(file)) known.set(file, host.getSourceFile(file, language));
    return known.get(file);
  };
  return ts.createProgram([...sources, ...texts.keys()], options, { ...host, getSourceFile });
}

/** All identifiers in a tree. */
function identifiers(node: ts.Node, found: Set<string> = new Set()): Set<string> {
  if (ts.isIdentifier(node)) found.add(node.text);
  ts.forEachChild(node, (child) => void identifiers(child, found));
  return found;
}

/** The names that the statements of a file declare. */
function declared({ statements }: ts.SourceFile): Set<string> {
  const found = new Set<string>();
  const bind = (name: ts.BindingName): void => {
    if (ts.isIdentifier(name)) found.add(name.text);
    else for (const element of name.elements) if (ts.isBindingElement(element)) bind(element.name);
  };
  for (const statement of statements) {
    if (ts.isVariableStatement(statement)) for (const { name } of statement.declarationList.declarations) bind(name);
    else if (ts.isImportDeclaration(statement)) identifiers(statement, found);
    else if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) found.add(statement.name!.text);
  }
  return found;
}

/** What the compiler says of each snippet, by lines of its file. */
function complaints(given: readonly Snippet[]): readonly (readonly string[])[] {
  const known = new Map<string, ts.SourceFile | undefined>();
  const library = programOf(new Map(), known);
  const checker = library.getTypeChecker();
  const exported = sources.map((file) => {
    const symbol = checker.getSymbolAtLocation(library.getSourceFile(file)!)!;
    return new Set(checker.getExportsOfModule(symbol).map(({ name }) => name));
  });
  const texts = given.map(({ text }, i) => {
    const tree = ts.createSourceFile('', text, options.target!);
    const own = declared(tree);
    const free = [...identifiers(tree)].filter((name) => !own.has(name));
    const imports = sources.map((source, s) => {
      const names = free.filter((name) => exported.findIndex((all) => all.has(name)) === s);
      return `import { ${names.join(', ')} } from '${source.replace(/ts$/, 'js')}'; `;
    });
    return [pathOf(`snippet-${i}.ts`), `${imports.join('')}${text}`] as const;
  });
  const program = programOf(new Map(texts), known);
  return texts.map(([name], i) =>
    ts.getPreEmitDiagnostics(program, program.getSourceFile(name)).map(({ file, start = 0, messageText }) => {
      const line = given[i]!.line + file!.getLineAndCharacterOfPosition(start).line;
      return `${given[i]!.file}:${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
    }),
  );
}

describe('snippets of the documentation', function () {
  this.timeout(120_000);
  const faulty: Snippet = { file: 'README.md', line: 7, text: "const x = array([1]);\nnew Linear('10');\n" };
  let found: readonly (readonly string[])[];
  before(() => (found = complaints([faulty, ...snippets])));

  it('are looked at: a fault is found, by its line', () =>
    assert.deepEqual(found[0], ["README.md:8: Argument of type 'string' is not assignable to parameter of type 'number'."]));
  snippets.forEach(({ file, line }, i) => it(`${file}:${line}`, () => assert.deepEqual(found[i + 1], [])));
});
