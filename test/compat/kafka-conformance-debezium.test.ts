// Change events as Debezium itself writes them: a PostgreSQL's snapshot, inserts, updates, deletes and changes of keys go
// through Kafka into a PRIMARY KEY table that ends as the one in PostgreSQL, with schemas in the messages and without.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { runDebezium } from '../peers/debezium.ts';
import { startKafka } from '../peers/kafka.ts';
import { startPostgres } from '../peers/postgres.ts';
import { openBroker } from '../support/conformance-case.ts';
import { readLedger } from '../support/ledger.ts';
import { showJob } from '../support/load-job.ts';
import { startServer } from '../support/start-server.ts';

const [kafka, postgres] = await Promise.all([startKafka(), startPostgres()]);
const server = await startServer({ broker: 'off' });
const broker = await openBroker('Kafka', kafka.bootstrap);
after(async () => {
  await broker.topics.close();
  await server.stop();
  await postgres.close();
  await kafka.stop();
});

const COLUMNS = `id BIGINT NOT NULL, name STRING, price DECIMAL(12, 2), flag BOOLEAN, born DATE, made DATETIME,
  seen DATETIME, ratio DOUBLE, doc JSON`;

async function createJob(prefix: string, columns: string): Promise<void> {
  await broker.topics.create(`${prefix}.public.items`, 3);
  await server.sql(`CREATE TABLE ${prefix}_items (${columns}) PRIMARY KEY (id)`);
  await server.sql(
    `CREATE ROUTINE LOAD ${prefix}_items ON ${prefix}_items PROPERTIES ("format" = "json", "envelope" = "debezium")
     FROM KAFKA ("kafka_broker_list" = "${kafka.bootstrap}", "kafka_topic" = "${prefix}.public.items", "property.kafka_default_offsets" = "OFFSET_BEGINNING")`,
  );
}

/** Rows of either side, as both write them. */
const RIGHT = `SELECT id, coalesce(name, '-'), coalesce(price::text, '-'), coalesce(flag::int::text, '-'), coalesce(born::text, '-'),
  coalesce(to_char(made, 'YYYY-MM-DD HH24:MI:SS'), '-'), coalesce(to_char(seen, 'YYYY-MM-DD HH24:MI:SS.US'), '-'),
  coalesce(ratio::text, '-'), coalesce(doc->>'a', '-') FROM items ORDER BY id`;
const LEFT = `SELECT id, ifnull(name, '-'), ifnull(price, '-'), ifnull(flag, '-'), ifnull(born, '-'), ifnull(made, '-'),
  ifnull(seen, '-'), ifnull(ratio, '-'), ifnull(get_json_string(doc, '$.a'), '-') FROM schemas_items ORDER BY id`;
const PLAIN_LEFT = `SELECT id, ifnull(name, '-'), ifnull(price, '-'), ifnull(flag, '-') FROM plain_items ORDER BY id`;

async function untilSame(query: string, wanted: readonly (readonly string[])[]): Promise<void> {
  const until = performance.now() + 60_000;
  for (;;) {
    const { rows } = await server.sql(query);
    if (JSON.stringify(rows) === JSON.stringify(wanted)) return;
    if (performance.now() > until) assert.deepEqual(rows, wanted);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

test("a PostgreSQL's table through Debezium: snapshot, changes, keys that change", async () => {
  await server.sql('CREATE DATABASE conformance');
  await server.sql('USE conformance');
  await createJob('schemas', COLUMNS);
  await createJob('plain', 'id BIGINT NOT NULL, name STRING, price DECIMAL(12, 2), flag BOOLEAN');
  await postgres.sql(`
    CREATE TABLE done (n int PRIMARY KEY);
    CREATE TABLE items (id bigint PRIMARY KEY, name text, price numeric(12, 2), flag boolean, born date,
      made timestamp, seen timestamptz, ratio double precision, doc jsonb);
    INSERT INTO items SELECT n, 'Artikel "' || n || '" größer', n * 1.25 - 400, n % 2 = 0, date '1969-12-01' + n::int,
      timestamp '2026-03-29 02:30:00' + n * interval '1 minute', timestamptz '2026-03-29 02:30:00.000001+02' + n * interval '1 hour',
      n / 8.0, jsonb_build_object('a', n, 'b', '[1]') FROM generate_series(1, 1000) AS n;
    INSERT INTO items (id) VALUES (0), (9223372036854775807);`);
  const engine = runDebezium(kafka.bootstrap, postgres.port, 'postgres');
  // It may end before anybody waits for it.
  engine.catch(() => undefined);
  for (const name of ['schemas_items', 'plain_items'])
    await Promise.race([
      server.until(`SELECT count(*) FROM ${name}`, (value) => value === '1002', 90_000),
      engine,
    ]);
  await postgres.sql(`
    UPDATE items SET name = name || '!', price = -price WHERE id BETWEEN 1 AND 300;
    UPDATE items SET name = NULL, seen = NULL, doc = NULL WHERE id BETWEEN 250 AND 260;
    DELETE FROM items WHERE id BETWEEN 301 AND 500;
    UPDATE items SET id = id + 10000 WHERE id BETWEEN 501 AND 520;
    INSERT INTO items (id, name) SELECT n, 'again' FROM generate_series(301, 400) AS n;
`);
  await postgres.sql('BEGIN; DELETE FROM items; ROLLBACK');
  await postgres.sql(`
    UPDATE items SET flag = NOT flag WHERE id BETWEEN 601 AND 610;
    UPDATE items SET flag = NOT flag WHERE id BETWEEN 601 AND 605;
    INSERT INTO done VALUES (1);`);
  await engine;
  const wanted = await postgres.sql(RIGHT);
  assert.equal(wanted.length, 1002 - 200 + 100);
  await untilSame(LEFT, wanted);
  await untilSame(
    PLAIN_LEFT,
    wanted.map((row) => row.slice(0, 4)),
  );
  const changes = 300 + 11 + 200 + 20 * 2 + 100 + 15;
  for (const name of ['schemas_items', 'plain_items']) {
    const ledger = await readLedger(server, name);
    // A row that went away has an event and a message without a value behind it.
    assert.deepEqual(
      [ledger.consumed, ledger.empty, ledger.filtered, ledger.unselected],
      [1002 + changes, 220, 0, 0],
    );
    assert.equal((await showJob(server, name))['State'], 'RUNNING');
  }
});

test("the table that Debezium's messages ask for, and one that grows to it", async () => {
  const reach = `"kafka_broker_list" = "${kafka.bootstrap}", "format" = "json", "envelope" = "debezium"`;
  await server.sql(
    `CREATE TABLE made FROM KAFKA TOPIC 'schemas.public.items' PROPERTIES (${reach})`,
  );
  const { rows } = await server.sql('DESC made');
  assert.deepEqual(
    rows.map((row) => row.slice(0, 4).join(' ')),
    [
      'id bigint(20) NO true',
      'name varchar(65533) YES false',
      'price decimal(12, 2) YES false',
      'flag boolean YES false',
      'born date YES false',
      'made datetime YES false',
      'seen datetime YES false',
      'ratio double YES false',
      'doc json YES false',
    ],
  );
  await server.sql('CREATE TABLE grown (id BIGINT NOT NULL) PRIMARY KEY (id)');
  for (const name of ['made', 'grown']) {
    await server.sql(
      `CREATE ROUTINE LOAD ${name} ON ${name}
       PROPERTIES ("format" = "json", "envelope" = "debezium", "strict_mode" = "true", "schema_evolution" = "add_columns")
       FROM KAFKA ("kafka_broker_list" = "${kafka.bootstrap}", "kafka_topic" = "schemas.public.items", "property.kafka_default_offsets" = "OFFSET_BEGINNING")`,
    );
  }
  const wanted = await postgres.sql(RIGHT);
  await untilSame(LEFT.replace('schemas_items', 'made'), wanted);
  await server.until(
    "SELECT count(*) FROM information_schema.columns WHERE TABLE_SCHEMA = 'conformance' AND TABLE_NAME = 'grown'",
    (value) => value === '9',
  );
  await untilSame(LEFT.replace('schemas_items', 'grown'), wanted);
  const grown = await server.sql('DESC grown');
  assert.deepEqual(grown.rows.toSorted(), rows.toSorted());
});
