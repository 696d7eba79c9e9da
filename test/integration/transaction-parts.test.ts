// SHOW PROC '/transactions/...' down to the tables and partitions that a transaction committed, whatever kind it was.
// SOURCE: StarRocks FE, TransDbProcDir to TransPartitionProcNode: columns, and texts of what is no path.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newDataDir, startServer, type TestServer } from '../support/start-server.ts';
import { mustLoad } from '../support/stream-load.ts';

type Cells = readonly (readonly (string | null)[])[];

const PARTITIONED = `(d DATE NOT NULL, k INT NOT NULL, v INT) PRIMARY KEY(d, k) PARTITION BY RANGE(d) (
  PARTITION p1 VALUES LESS THAN ("2024-02-01"), PARTITION p2 VALUES LESS THAN ("2024-03-01"),
  PARTITION p3 VALUES LESS THAN ("2024-04-01"))`;

async function proc(
  server: TestServer,
  path: string,
): Promise<{ columns: readonly string[]; rows: Cells }> {
  return await server.sql(`SHOW PROC '/transactions${path}'`);
}

async function idOf(server: TestServer, label: string): Promise<string> {
  const { rows } = await server.sql(`SHOW TRANSACTION FROM d WHERE Label = '${label}'`);
  return rows[0]?.[0] ?? assert.fail(`no transaction ${label}`);
}

/** The tables of a transaction as [name, names of partitions]. */
type PartsOf = (id: string) => Promise<readonly (readonly [string, string])[]>;

async function namesOf(server: TestServer): Promise<PartsOf> {
  const { rows: tables } = await server.sql("SHOW PROC '/dbs/d'");
  const names = new Map(tables.map(([id, name]) => [id, name ?? '']));
  const partitions = new Map(names);
  for (const table of names.keys()) {
    const { rows } = await server.sql(`SHOW PROC '/dbs/d/${table}/partitions'`);
    for (const [id, name] of rows) partitions.set(id ?? '', name ?? '');
  }
  return async (id) => {
    const { rows } = await proc(server, `/d/finished/${id}`);
    return rows.map(([table, ids]) => {
      const parts = (ids ?? '').split(', ').map((part) => partitions.get(part) ?? part);
      return [names.get(table ?? '') ?? '', parts.join()] as const;
    });
  };
}

test('the tables and partitions that a transaction committed', async (t) => {
  const server = await startServer({ broker: 'off', dataDir: newDataDir() });
  t.after(() => server.kill());
  await server.sql('CREATE DATABASE d');
  await server.sql(`CREATE TABLE d.p ${PARTITIONED}`);
  await server.sql('CREATE TABLE d.plain (a INT NOT NULL) DUPLICATE KEY(a)');
  await server.sql('CREATE DATABASE other');
  const label = async (name: string, rest: string): Promise<string> => {
    await server.sql(`INSERT INTO d.${rest.replace(' ', ` WITH LABEL ${name} `)}`);
    return await idOf(server, name);
  };
  const inserted = await label('ins', "p VALUES ('2024-01-05', 1, 1), ('2024-03-05', 2, 2)");
  const partsOf = await namesOf(server);
  assert.deepEqual(await partsOf(inserted), [['p', 'p1,p3']]);
  assert.deepEqual(await partsOf(await label('plain', 'plain VALUES (1)')), [['plain', 'plain']]);
  // A key that is there already: its old row goes from its partition.
  const again = await label('again', "p VALUES ('2024-01-05', 1, 9), ('2024-02-05', 3, 3)");
  assert.deepEqual(await partsOf(again), [['p', 'p1,p2']]);

  const body = { headers: { label: 'str', column_separator: ',' }, body: '2024-02-07,4,4\n' };
  await mustLoad(server, { table: 'd.p', ...body });
  assert.deepEqual(await partsOf(await idOf(server, 'str')), [['p', 'p2']]);

  await server.sql("UPDATE d.p SET v = 7 WHERE d = '2024-03-05' AND k = 2");
  const { rows: newest } = await server.sql('SHOW TRANSACTION FROM d');
  assert.deepEqual(await partsOf(newest[0]?.[0] ?? ''), [['p', 'p3']]);
  await server.sql("DELETE FROM d.p WHERE d >= '2024-02-07'");
  const { rows: deletes } = await server.sql('SHOW TRANSACTION FROM d');
  assert.deepEqual(await partsOf(deletes[0]?.[0] ?? ''), [['p', 'p2,p3']]);

  // Partitions that only lose their rows.
  await server.sql(
    "INSERT OVERWRITE d.p PARTITION (p1, p2) WITH LABEL over_1 VALUES ('2024-01-09', 5, 5)",
  );
  assert.deepEqual(await partsOf(await idOf(server, 'over_1')), [['p', 'p1,p2']]);

  const connection = await server.connect();
  await connection.query('BEGIN WITH LABEL several');
  await connection.query('INSERT INTO d.plain VALUES (2)');
  const open = await idOf(server, 'several');
  assert.deepEqual((await proc(server, `/d/running/${open}`)).rows, []);
  await connection.query("INSERT INTO d.p VALUES ('2024-03-09', 6, 6)");
  await connection.query('COMMIT');
  const both = await partsOf(open);
  assert.deepEqual(both, [
    ['p', 'p3'],
    ['plain', 'plain'],
  ]);
  await connection.end();

  // Rejected rows are in a table of another database: none of the transaction's own.
  const bad = { label: 'bad', column_separator: ',', max_filter_ratio: '0.9', strict_mode: 'true' };
  await mustLoad(server, { table: 'd.plain', headers: bad, body: '3\nx\n' });
  assert.deepEqual(await partsOf(await idOf(server, 'bad')), [['plain', 'plain']]);
  await assert.rejects(server.sql("INSERT INTO d.plain WITH LABEL gone VALUES ('x')"));
  const gone = await idOf(server, 'gone');
  assert.deepEqual((await proc(server, `/d/finished/${gone}`)).rows, []);

  const { rows: tables } = await server.sql("SHOW PROC '/dbs/d'");
  const [p = '', plain = ''] = ['p', 'plain'].map(
    (name) => tables.find((row) => row[1] === name)?.[0] ?? '',
  );
  const level = await proc(server, `/d/finished/${inserted}`);
  assert.deepEqual(level.columns, ['TableId', 'CommittedPartitionIds']);
  const below = await proc(server, `/d/finished/${inserted}/${p}`);
  assert.deepEqual(below.columns, ['PartitionId', 'CommittedVersion']);
  assert.deepEqual(
    below.rows.map(([id, version]) => [id, version]),
    (level.rows[0]?.[1] ?? '').split(', ').map((id) => [id, '2']),
  );
  const refused = async (path: string, message: RegExp): Promise<void> => {
    await assert.rejects(proc(server, path), { errno: 1064, message }, path);
  };
  await refused(`/d/finished/${inserted}/${plain}`, /doesn't exist/);
  await refused(`/d/finished/${inserted}/${p}/1`, /doesn't exist/);
  await refused(`/d/finished/${inserted}/x`, /Invalid table id format: x/);
  await refused('/d/finished/x', /Invalid transaction id format: x/);
  await refused('/d/finished/99999', /Transaction\[99999\] does not exist\./);
  await refused(`/other/finished/${inserted}`, /Transaction\[\d+\] does not exist\./);
  await refused('/d/prepared', /State is invalid/);
  await refused('/none', /doesn't exist/);
  const names = async (path: string) => (await proc(server, path)).columns;
  assert.deepEqual(await names(''), ['DbId', 'DbName']);
  assert.deepEqual(await names('/d'), ['State', 'Number']);
  assert.equal((await names('/d/running')).length, 16);

  // The same when its files are merged.
  await server.sql('ALTER TABLE d.p COMPACT');
  assert.deepEqual(await partsOf(inserted), [['p', 'p1,p3']]);
  assert.equal(await server.stop(), 0);
});
