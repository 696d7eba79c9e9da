// One message into many rows and one topic into many tables, on Apache Kafka and on the embedded broker, while the loader
// is killed: each element once, in the table that it names, with the place of its message.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, test } from 'node:test';
import { startKafka } from '../peers/kafka.ts';
import { openBroker, send, startConfigured } from '../support/conformance-case.ts';
import { readLedger } from '../support/ledger.ts';
import { showJob } from '../support/load-job.ts';
import { childrenOf } from '../support/process-tree.ts';
import { newDataDir } from '../support/start-server.ts';

const peer = await startKafka();
const dataDir = newDataDir();
const server = await startConfigured(dataDir, 'routine_load_freshness_millisecond = 100\n');
const brokers = [
  await openBroker('Kafka', peer.bootstrap),
  await openBroker('the embedded broker', server.bootstrap),
];
after(async () => {
  for (const { topics } of brokers) await topics.close();
  await server.stop();
  await rm(dataDir, { recursive: true, force: true });
  await peer.stop();
});

const PARTITIONS = 3;
const MESSAGES = 6000;
/** Of message N: N mod 4 elements, to table 0, 1, 2 in turn; every hundredth message has one to nowhere. */
const elementsOf = (id: number): readonly string[] => [
  ...Array.from({ length: id % 4 }, (_, index) => `t${(id + index) % 3}`),
  ...(id % 100 === 0 ? ['nowhere'] : []),
];
const ids = Array.from({ length: MESSAGES }, (_, id) => id);

for (const [index, broker] of brokers.entries())
  test(`${broker.name}: elements of messages into three tables, the loader is killed twice`, async () => {
    const name = `rows_${index}`;
    await broker.topics.create(name, PARTITIONS);
    await server.sql(`CREATE DATABASE ${name}`);
    await server.sql(`USE ${name}`);
    const columns = 'id BIGINT NOT NULL, place INT NOT NULL, _partition INT, _offset BIGINT';
    await server.sql(`CREATE TABLE t0 (${columns}) DUPLICATE KEY(id)`);
    for (const table of ['t1', 't2'])
      await server.sql(`CREATE TABLE ${table} (${columns}) PRIMARY KEY(id, place)`);
    await server.sql(`CREATE ROUTINE LOAD ${name} ON t0, t1, t2
      COLUMNS (id, tables, places, to_table = UNNEST(tables), place = UNNEST(places), _partition, _offset)
      PROPERTIES ("format" = "json", "jsonpaths" = "[\\"$.id\\", \\"$.items[*].to\\", \\"$.items[*].place\\"]",
        "route" = "to_table", "max_error_number" = "1000000")
      FROM KAFKA ("kafka_broker_list" = "${broker.bootstrap}", "kafka_topic" = "${name}",
        "property.kafka_default_offsets" = "OFFSET_BEGINNING")`);
    const messages = ids.map((id) => ({
      topic: name,
      partition: id % PARTITIONS,
      value: Buffer.from(
        JSON.stringify({ id, items: elementsOf(id).map((to, place) => ({ to, place })) }),
      ),
    }));
    for (let at = 0; at < MESSAGES; at += MESSAGES / 3) {
      await send(broker, messages.slice(at, at + MESSAGES / 3));
      if (at > 0) killLoader();
    }
    const wanted = ids.flatMap((id) => elementsOf(id).map((to, place) => ({ id, to, place })));
    const good = wanted.filter(({ to }) => to !== 'nowhere');
    await server.until(
      `SELECT sum(MESSAGES_CONSUMED) FROM information_schema.routine_load_ledger WHERE JOB_NAME = '${name}'`,
      (value) => Number(value) === MESSAGES,
      60_000,
    );
    for (const table of ['t0', 't1', 't2']) {
      const { rows } = await server.sql(
        `SELECT id, place, _partition, _offset FROM ${table} ORDER BY id, place`,
      );
      assert.deepEqual(
        rows,
        good
          .filter(({ to }) => to === table)
          .map(({ id, place }) =>
            [id, place, id % PARTITIONS, Math.floor(id / PARTITIONS)].map(String),
          ),
        table,
      );
    }
    const ledger = await readLedger(server, name);
    assert.deepEqual(
      [ledger.consumed, ledger.loaded, ledger.filtered, ledger.unselected],
      [MESSAGES, good.length, wanted.length - good.length, 0],
    );
    const { rows } = await server.sql(
      `SELECT count(*), count(DISTINCT message_partition, message_offset), min(error_code), max(error_code) FROM _statistics_.rejected_records WHERE target_database = '${name}'`,
    );
    const bad = String(wanted.length - good.length);
    assert.deepEqual(rows, [[bad, bad, 'NO_TABLE', 'NO_TABLE']]);
    assert.equal((await showJob(server, name))['TableName'], 't0,t1,t2');
  });

function killLoader(): void {
  const loader = childrenOf(dataDir).find(({ role }) => role === 'loader');
  if (loader !== undefined) process.kill(loader.pid, 'SIGKILL');
}
