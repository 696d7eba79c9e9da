// No call takes all memory or minutes: what makes long values is bounded, KILL QUERY and query_timeout end what
// runs long, and a group beyond the memory limit is an error after which the server goes on.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startServer } from '../support/start-server.ts';

const server = await startServer({ broker: 'off' });
after(() => server.stop());

async function errorOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'no error',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

/** Seconds from year 1 to 9999: the longest series there is. */
const LONG =
  "SELECT count(*) FROM TABLE(generate_series(cast('0001-01-01' as datetime), cast('9999-12-31' as datetime), interval 1 second))";

test('functions that make long values have a limit, and are exact at it', async () => {
  const two = 'FROM (SELECT 1 AS x UNION ALL SELECT 2) t';
  for (const call of [
    'array_generate(1, 1000001)',
    `array_generate(x, 1000000000) ${two}`,
    'array_generate(cast(-9223372036854775808 as bigint), 9223372036854775807)',
    'array_repeat(1, 1000001)',
    `array_repeat(x, 1000000000) ${two}`,
    "array_repeat(repeat('x', 1000000), 1000000)",
    'array_repeat(array_repeat(1, 1000000), 2)',
  ]) {
    const text = await errorOf(server.sql(`SELECT ${call}`));
    assert.match(text, /array_(generate|repeat) makes at most 1000000 elements/, call);
  }
  const { rows } = await server.sql(
    "SELECT array_length(array_generate(1, 1000000)), array_length(array_repeat('x', 1000000)), array_generate(NULL), array_generate(5, 1, -2), array_generate(5, 1, 0), array_repeat(NULL, 2), array_repeat(1, NULL), array_repeat(1, -1)",
  );
  assert.deepEqual(rows, [
    ['1000000', '1000000', null, '[5,3,1]', '[]', '[null,null]', null, '[]'],
  ]);
  // SOURCE: StarRocks' olap_string_max_length: NULL beyond it.
  for (const call of ["repeat('ab', %)", 'space(%)', "lpad('a', %, 'b')", "rpad('a', %, 'b')"]) {
    const lengths = ['524288', '1048577', '2147483647'].map(
      (length) => `length(${call.replace('%', length)})`,
    );
    const { rows } = await server.sql(`SELECT ${lengths.join(', ')}`);
    assert.deepEqual(rows[0]?.slice(1), [null, null], call);
    assert.notEqual(rows[0]?.[0], null, call);
  }
});

for (const [what, sql] of [
  ['a long series', LONG],
  [
    'a join of everything with everything',
    'SELECT count(*) FROM TABLE(generate_series(1, 10000000)) a, TABLE(generate_series(1, 10000000)) b WHERE a.generate_series * b.generate_series % 7 = 9',
  ],
] as const) {
  test(`${what}: query_timeout and KILL QUERY end it within seconds`, async () => {
    const connection = await server.connect();
    const [found] = await connection.query({ sql: 'SELECT connection_id()', rowsAsArray: true });
    const id = (found as unknown as string[][])[0]?.[0];
    await connection.query('SET query_timeout = 1');
    const startedMs = performance.now();
    assert.match(await errorOf(connection.query(sql)), /took longer than 1000 ms/);
    await connection.query('SET query_timeout = 300');
    const running = errorOf(connection.query(sql));
    for (;;) {
      const { rows } = await server.sql('SHOW FULL PROCESSLIST');
      if (rows.some((row) => row.includes(String(id)) && row.some((cell) => cell === sql))) break;
      assert.ok(performance.now() - startedMs < 30_000, 'the statement is not under way');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await server.sql(`KILL QUERY ${id}`);
    assert.match(await running, /interrupted/);
    assert.ok(performance.now() - startedMs < 30_000);
    await connection.query('SELECT 1');
    connection.destroy();
  });
}

test('a bitmap or HLL of a group beyond the memory limit is an error, and the server goes on', async () => {
  for (const call of [
    'bitmap_count(bitmap_union(to_bitmap(generate_series * 100003)))',
    'bitmap_count(bitmap_agg(generate_series))',
    'hll_cardinality(hll_union(hll_hash(generate_series)))',
  ]) {
    const sql = `SELECT ${call} FROM TABLE(generate_series(1, 60000000))`;
    assert.match(await errorOf(server.sql(sql)), /needs more memory or spill space/, call);
    assert.equal(await server.value('SELECT bitmap_count(to_bitmap(1))'), '1', call);
  }
});
