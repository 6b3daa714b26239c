/** What JSON.parse does not tell. */

/** The first name that occurs twice in one object of a valid JSON text; JSON.parse would keep the last value in silence. */
export function duplicateKey(text: string): string | undefined {
  // Tokens that matter: strings, and the brackets and commas between which a string is a name.
  const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;
  const stack: (Set<string> | undefined)[] = [];
  let before = '';
  for (const [token] of text.matchAll(tokens)) {
    if (token === '{') stack.push(new Set());
    else if (token === '[') stack.push(undefined);
    else if (token === '}' || token === ']') stack.pop();
    else if (token.startsWith('"') && (before === '{' || before === ',')) {
      const names = stack.at(-1);
      const name = JSON.parse(token) as string;
      if (names?.has(name) === true) return name;
      names?.add(name);
    }
    before = token;
  }
  return undefined;
}
