/** Marks the branch that an exhaustive switch can never take; the compiler checks it. */
export function unreachable(value: never): never {
  throw new Error(`internal error: unexpected value ${JSON.stringify(value)}`);
}
