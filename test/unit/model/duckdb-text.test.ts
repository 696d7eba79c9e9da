// Names and texts in SQL for the engine: nothing ends them but their own closing quote.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AppError } from '../../../src/base/errors.ts';
import { quoteIdentifier, quoteLiteral } from '../../../src/model/duckdb-text.ts';

const hostile = fc.string({
  maxLength: 20,
  unit: fc.constantFrom('a', '"', "'", '\\', '\0', ';', '-', '\n', '\u2019', '\uff02'),
});

test('quotes are doubled, and a NUL is refused', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      for (const [quote, quoted] of [
        ['"', quoteIdentifier],
        ["'", quoteLiteral],
      ] as const) {
        if (text.includes('\0')) {
          assert.throws(
            () => quoted(text),
            (error: unknown) => error instanceof AppError && error.code === 'SQL_ANALYZE',
          );
          continue;
        }
        const inside = quoted(text).slice(1, -1);
        assert.equal(inside.replaceAll(quote + quote, quote), text);
        assert.equal(inside.replaceAll(quote + quote, '').includes(quote), false);
      }
    }),
  );
});
