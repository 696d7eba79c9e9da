// The log: JSON lines, bigints and errors in print, secrets never.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fail } from '../../../src/base/errors.ts';
import { openLog } from '../../../src/telemetry/log.ts';

test('fields are printed, errors with their causes, secrets masked', () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-log-'));
  const file = join(directory, 'logs', 'x.log');
  const log = openLog({ level: 'info', role: 'fe', file });
  const cause = new Error('the socket broke');
  log.debug('not shown');
  log.info('plain', { offset: 2n ** 60n, password: 'hush' });
  log.warn('failed', { error: fail('METADATA_UNAVAILABLE', { detail: 'gone' }, cause) });
  log.with({ job: 'j' }).error('params', {
    params: { 'aws.s3.secret_key': 'hush', 'ssl.key.pem': 'hush', region: 'eu' },
    'sasl.jaas.config': 'hush',
  });
  const text = readFileSync(file, 'utf8');
  rmSync(directory, { recursive: true, force: true });
  assert.doesNotMatch(text, /hush/);
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(
    lines.map((line) => line['msg']),
    ['plain', 'failed', 'params'],
  );
  assert.equal(lines[0]?.['offset'], String(2n ** 60n));
  assert.match(
    String(lines[1]?.['error']),
    /does not answer: gone[\s\S]*Caused by: Error: the socket/,
  );
  assert.equal(lines[2]?.['job'], 'j');
  assert.deepEqual(lines[2]?.['params'], {
    'aws.s3.secret_key': '******',
    'ssl.key.pem': '******',
    region: 'eu',
  });
});
