// The one error of decoders of binary formats: bytes that are no message of their schema. It becomes the
// reason of a rejected row, never an error of the load.

/** Why bytes are no message. Made in bulk where a topic is bad: callers keep stack traces off (`withoutStacks`). */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
}

/** Runs `work` with no stack traces made: an error's trace costs more than decoding a message. */
export function withoutStacks<T>(work: () => T): T {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = before;
  }
}
