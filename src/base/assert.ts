// Assertions for invariants. A failed one is a bug: the task stops, nothing half-done is answered.

export class InvariantError extends Error {
  constructor(text: string) {
    super(`invariant broken: ${text}`);
    this.name = 'InvariantError';
  }
}

export function assert(condition: unknown, invariant: string): asserts condition {
  if (!condition) throw new InvariantError(invariant);
}

/** The value, asserted to be there. Takes the place of the forbidden non-null `!`. */
export function present<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new InvariantError(`${what} is missing`);
  return value;
}

/** For the default branch of a switch over a closed union: fails to compile when a case is missing. */
export function unreachable(value: never, what: string): never {
  throw new InvariantError(`unexpected ${what}: ${JSON.stringify(value)}`);
}
