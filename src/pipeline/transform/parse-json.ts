// JSON.parse for text that may well be broken, in bulk: an error's stack trace costs more than the
// parsing, so none is made.

export type ParsedJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly message: string };

/** The value, or why the text is no JSON. Never throws. */
export function parseJson(text: string): ParsedJson {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    const value: unknown = JSON.parse(text);
    return { ok: true, value };
  } catch (thrown) {
    return { ok: false, message: thrown instanceof Error ? thrown.message : String(thrown) };
  } finally {
    Error.stackTraceLimit = before;
  }
}
