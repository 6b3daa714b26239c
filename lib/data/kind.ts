/** What an error message calls a value of another kind than expected: its class, or its type. */
export function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  return (value.constructor as { readonly name: string } | undefined)?.name ?? 'object';
}
