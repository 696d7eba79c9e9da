// Exit codes and lines of failed commands.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { fail } from '../../../src/base/errors.ts';
import { report } from '../../../src/cli/report.ts';

function reported(context: TestContext, thrown: unknown): { code: number; text: string } {
  let text = '';
  const write = context.mock.method(process.stderr, 'write', (part: string) => {
    text += part;
    return true;
  });
  const code = report(thrown);
  write.mock.restore();
  return { code, text };
}

test('who has to act decides the exit code', (context) => {
  const cases: readonly [unknown, number, RegExp][] = [
    [fail('NO_DATABASE'), 1, /^millrace: No database selected \(USE .*\)\n$/],
    [fail('METADATA_UNAVAILABLE', { detail: 'x' }), 3, /^millrace: the metadata store .*\n$/],
    [new Error('a bug'), 70, /^millrace: internal error: a bug .*\nError: a bug\n/],
    [
      Object.assign(new Error('x'), { errno: 1064, sqlState: 'HY000', sqlMessage: 'bad' }),
      1,
      /^millrace: ERROR 1064 \(HY000\): bad\n$/,
    ],
    [Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), 3, /no server answers there/],
    [Object.assign(new Error('x'), { code: 'ENOTFOUND' }), 3, /--host is not known/],
    [Object.assign(new Error('x'), { code: 'PROTOCOL_CONNECTION_LOST' }), 3, /closed the conn/],
  ];
  for (const [thrown, code, text] of cases) {
    const told = reported(context, thrown);
    assert.equal(told.code, code, String(thrown));
    assert.match(told.text, text);
  }
});
