/** What JSON.parse does not tell. */

/** The first name that occurs twice in one object of a valid JSON text; JSON.parse would keep the last value in silence. */
export function duplicateKey(text: string): string | undefined {
  // Tokens that matter: strings, and the brackets and commas between which a string is a name.
  const tokens = /["{}[\],:]/g;
  const stack: (Set<string> | undefined)[] = [];
  let before = '';
  for (let match = tokens.exec(text); match !== null; match = tokens.exec(text)) {
    const [token] = match;
    if (token === '{') stack.push(new Set());
    else if (token === '[') stack.push(undefined);
    else if (token === '}' || token === ']') stack.pop();
    else if (token === '"') {
      tokens.lastIndex = endOfString(text, match.index);
      const names = stack.at(-1);
      if (names !== undefined && (before === '{' || before === ',')) {
        const name = JSON.parse(text.slice(match.index, tokens.lastIndex)) as string;
        if (names.has(name)) return name;
        names.add(name);
      }
    }
    before = token;
  }
  return undefined;
}

/** The position behind the string that begins at `begin`. */
function endOfString(text: string, begin: number): number {
  let at = begin + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}
