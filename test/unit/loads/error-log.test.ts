// Links to error logs: what Millrace made is read back, anything else is nobody's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemRandom } from '../../../src/base/random.ts';
import { Sealer } from '../../../src/catalog/secrets.ts';
import { errorLogSql, errorLogUrl, readErrorLogFile } from '../../../src/loads/error-log.ts';
import { parseStatement } from '../../../src/sql/parse.ts';

const tokens = new Sealer(Buffer.alloc(32, 1), 'key', systemRandom);
const others = new Sealer(Buffer.alloc(32, 2), 'key', systemRandom);
const AT = { host: '::1', httpPort: 8030 };

function fileOf(link: string): string {
  return new URL(link).searchParams.get('file') ?? '';
}

test('a link names what it was made for, on this metadata alone', () => {
  for (const of of [
    { kind: 'job', id: 10_294 },
    { kind: 'transaction', id: Number.MAX_SAFE_INTEGER - 1 },
  ] as const) {
    const link = errorLogUrl(tokens, AT, of);
    assert.ok(link.startsWith('http://[::1]:8030/api/_load_error_log?file=error_log_'));
    const file = fileOf(link);
    assert.deepEqual(readErrorLogFile(tokens, file), of);
    assert.equal(readErrorLogFile(others, file), null);
    assert.equal(readErrorLogFile(tokens, file.toUpperCase()), null);
    assert.equal(readErrorLogFile(tokens, `${file}0`), null);
    assert.equal(readErrorLogFile(tokens, file.replace(of.kind, 'jobs')), null);
  }
  const job = fileOf(errorLogUrl(tokens, AT, { kind: 'job', id: 7 }));
  assert.equal(readErrorLogFile(tokens, job.replace('job_7', 'job_8')), null);
  assert.equal(readErrorLogFile(tokens, job.replace('job_7', 'transaction_7')), null);
  assert.equal(readErrorLogFile(tokens, ''), null);
});

test('its statement parses', () => {
  for (const kind of ['job', 'transaction'] as const) {
    assert.equal(parseStatement(errorLogSql({ kind, id: 5 })).kind, 'query');
  }
});
