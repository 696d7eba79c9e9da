// StarRocks' official Java SDK of Stream Load while the server dies in the middle of its loads and comes back. Its automatic
// commits try again by themselves, with the same labels; a transaction is looked up by its label, as jobs do that start again.
// In the end each row is there once.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sdkLoad } from '../peers/stream-load.ts';
import { LOAD_STRIKES, type Strike, StruckServer } from '../support/struck-server.ts';

const ROWS = 2000;
const COLUMNS = 'id INT NOT NULL, name VARCHAR(40)';
/** Many requests of few rows. */
const SMALL = { 'sdk.retries': '60', 'sdk.chunk-bytes': '2000' } as const;

function lines(table: string): readonly (readonly [table: string, row: string])[] {
  return Array.from({ length: ROWS }, (_, id) => [table, JSON.stringify({ id, name: `n${id}` })]);
}

describe('automatic commits, kill -9 in the middle of loads', () => {
  for (const strike of LOAD_STRIKES)
    test(`of ${strike.what}: each row is there once, with keys and without`, async (t) => {
      const struck = await StruckServer.open(t, strike);
      await struck.makeTable('plain', COLUMNS, 'DUPLICATE');
      await struck.makeTable('keyed', COLUMNS, 'PRIMARY');
      const loads = ['plain', 'keyed'].map((table) =>
        sdkLoad(struck.target, 'auto', 'json', lines(table), { ...SMALL, 'sdk.pause-ms': '15' }),
      );
      await struck.strike(['plain', 'keyed']);
      for (const { code, stderr } of await Promise.all(loads)) assert.equal(code, 0, stderr);
      for (const table of ['plain', 'keyed'])
        assert.deepEqual(await struck.counts(table), [ROWS, ROWS, ROWS], table);
    });
});

const PHASES: readonly Strike[] = [
  { what: 'the loader, with a staged load', at: 'loader:body.staged=kill@1' },
  { what: 'the front end, after a load', at: 'fe:transaction.after-load=kill@1' },
  { what: 'the front end, after the prepare', at: 'fe:transaction.after-prepare=kill@1' },
  { what: 'the front end, before the commit', at: 'fe:transaction.before-commit=kill@1' },
  { what: 'the front end, between the commit and its answer', at: 'fe:insert.after-sql=kill@1' },
];

/** What a job does that starts again: the transaction before it is committed if it can be, else it loads once more. */
async function goOn(struck: StruckServer, label: string): Promise<void> {
  const { http, user, password } = struck.target;
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const asked = await fetch(
    `http://${http}/api/d/get_load_state?label=${encodeURIComponent(label)}`,
    { headers: { authorization } },
  );
  const { state } = (await asked.json()) as { state?: unknown };
  if (state === 'VISIBLE') return;
  if (state === 'PREPARED') {
    const answer = await fetch(`http://${http}/api/transaction/commit`, {
      method: 'POST',
      headers: { authorization, label, db: 'd', table: 'plain' },
    });
    assert.equal(((await answer.json()) as { Status?: unknown }).Status, 'OK');
    return;
  }
  const { code, stderr } = await sdkLoad(struck.target, 'commit', 'json', lines('plain'), SMALL);
  assert.equal(code, 0, stderr);
}

describe('two phases, kill -9 in the middle', () => {
  for (const strike of PHASES)
    test(`of ${strike.what}: each row is there once`, async (t) => {
      const struck = await StruckServer.open(t, strike);
      await struck.makeTable('plain', COLUMNS, 'DUPLICATE');
      const load = sdkLoad(struck.target, 'commit', 'json', lines('plain'), SMALL);
      await struck.strike(['plain']);
      const { code, stdout } = await load;
      const label = /^label (.+)$/m.exec(stdout)?.[1];
      if (code !== 0) await goOn(struck, label ?? '');
      assert.deepEqual(await struck.counts('plain'), [ROWS, ROWS, ROWS]);
    });
});
