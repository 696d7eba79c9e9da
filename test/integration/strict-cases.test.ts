// The table of cases type x value x format x strict mode x NOT NULL (test/fixtures/strict-cases.tsv), played over
// every kind of load: what StarRocks loads of a value is what we load of it, and what it filters we filter.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type KafkaAdmin, openKafkaAdmin } from '../../src/kafka/client/admin.ts';
import { startServer, type TestServer } from '../support/start-server.ts';
import { mustLoad } from '../support/stream-load.ts';
import {
  CASE_MODES,
  type CaseFormat,
  type CaseMode,
  caseColumns,
  columnOf,
  csvRow,
  differences,
  expected,
  explainedSources,
  insertColumns,
  insertRow,
  jsonRow,
  readBack,
  STRICT_CASES,
  type StrictCase,
  tableOf,
} from '../support/strict-cases.ts';

let server: TestServer;
let admin: KafkaAdmin;

before(async () => {
  server = await startServer({});
  admin = await openKafkaAdmin({
    connection: { brokers: [server.bootstrap], properties: {} },
    clientId: 'strict-cases',
  });
  await server.sql('CREATE DATABASE d');
});
after(async () => {
  await admin.close();
  assert.equal(await server.stop(), 0);
});

const of = (format: CaseFormat): StrictCase[] =>
  STRICT_CASES.filter((one) => one.format === format);

function name(mode: CaseMode): string {
  return `${mode.strict ? 'strict' : 'not strict'}, ${mode.nullable ? 'NULL' : 'NOT NULL'}`;
}

async function makeTable(prefix: string, mode: CaseMode): Promise<string> {
  const table = tableOf(prefix, mode);
  await server.sql(`CREATE TABLE d.${table} (${caseColumns(mode)}) DUPLICATE KEY(id)`);
  return table;
}

async function check(table: string, cases: readonly StrictCase[], mode: CaseMode): Promise<void> {
  const found = new Map<number, string | null>();
  for (const sql of readBack(`d.${table}`, cases))
    for (const [id, value = null] of (await server.sql(sql)).rows) found.set(Number(id), value);
  assert.deepEqual(differences(cases, mode, found), []);
}

/** raw_record has the fields by name, as texts or as JSON. */
function rowId(raw: string | null | undefined): number {
  const { id } = JSON.parse(raw ?? '{}') as { id?: string | number };
  return Number(id);
}

/** The rows that are rejected are those that must be, each for the column that its case is about. */
async function checkRejected(
  table: string,
  cases: readonly StrictCase[],
  mode: CaseMode,
): Promise<void> {
  const { rows } = await server.sql(
    `SELECT raw_record, error_column FROM _statistics_.rejected_records WHERE target_database = 'd' AND target_table = '${table}'`,
  );
  const found = rows.map(([raw, column]) => `${rowId(raw)} ${column}`).sort();
  const wanted = cases.filter((one) => expected(one, mode) === undefined);
  assert.deepEqual(found, wanted.map((one) => `${one.id} ${columnOf(one.type)}`).sort());
}

test('the table has hundreds of cases, and each says where it is from', () => {
  assert.ok(STRICT_CASES.length * CASE_MODES.length >= 2000);
  const explained = explainedSources();
  for (const one of STRICT_CASES) assert.ok(explained.has(one.source), one.source);
});

describe('Routine Load', () => {
  for (const format of ['csv', 'json'] as const) {
    const cases = of(format);
    before(async () => {
      await admin.createTopic(format, 1);
      const row = (one: StrictCase): string => (format === 'csv' ? csvRow(one) : jsonRow(one));
      await admin.send(
        cases.map((one) => ({ topic: format, partition: 0, value: Buffer.from(row(one)) })),
      );
    });
    for (const mode of CASE_MODES)
      test(`${format}, ${name(mode)}`, async () => {
        const table = await makeTable(`routine_${format}`, mode);
        const separator = format === 'csv' ? 'COLUMNS TERMINATED BY "|"' : '';
        await server.sql(
          `CREATE ROUTINE LOAD d.${table} ON ${table} ${separator} PROPERTIES ("format" = "${format}", "strict_mode" = "${mode.strict}", "max_error_number" = "10000", "log_rejected_record_num" = "-1") FROM KAFKA ("kafka_broker_list" = "${server.bootstrap}", "kafka_topic" = "${format}", "property.kafka_default_offsets" = "OFFSET_BEGINNING")`,
        );
        await server.until(
          `SELECT max(TO_OFFSET) FROM information_schema.routine_load_ledger WHERE DB_NAME = 'd' AND JOB_NAME = '${table}'`,
          (value) => Number(value) === cases.length,
        );
        await check(table, cases, mode);
        await checkRejected(table, cases, mode);
        await server.sql(`STOP ROUTINE LOAD FOR d.${table}`);
      });
  }
});

describe('Stream Load', () => {
  // A separator of one byte lets the engine's own CSV reader take rows, a longer one does not.
  for (const [what, format, separator] of [
    ['csv', 'csv', '|'],
    ['csv_exact', 'csv', '|#|'],
    ['json', 'json', ''],
  ] as const) {
    const cases = of(format);
    const row = (one: StrictCase): string =>
      format === 'csv' ? csvRow(one, separator) : jsonRow(one);
    for (const mode of CASE_MODES)
      test(`${what}, ${name(mode)}`, async () => {
        const table = await makeTable(`stream_${what}`, mode);
        const { json } = await mustLoad(server, {
          table: `d.${table}`,
          headers: {
            format,
            ...(format === 'csv' ? { column_separator: separator } : {}),
            strict_mode: String(mode.strict),
            max_filter_ratio: '1',
            log_rejected_record_num: '-1',
          },
          body: cases.map((one) => `${row(one)}\n`).join(''),
        });
        const filtered = cases.filter((one) => expected(one, mode) === undefined).length;
        assert.equal(json['NumberTotalRows'], cases.length);
        assert.equal(json['NumberFilteredRows'], filtered);
        assert.equal(json['NumberLoadedRows'], cases.length - filtered);
        await check(table, cases, mode);
        await checkRejected(table, cases, mode);
      });
  }
});

describe('INSERT', () => {
  const cases = of('insert');
  for (const mode of CASE_MODES)
    test(name(mode), async () => {
      const table = await makeTable('insert', mode);
      const refused = new Set<number>();
      for (const one of cases) {
        const sql = `INSERT INTO d.${table} (id, ${insertColumns()}) PROPERTIES ("strict_mode" = "${mode.strict}", "max_filter_ratio" = "${mode.strict ? 0 : 1}") VALUES ${insertRow(one)}`;
        await server.sql(sql).catch((error: unknown) => {
          // Strict mode ends the statement at the first row that is filtered.
          assert.match(String(error), /Insert has filtered data|NULL value|out of range|capacity/);
          assert.ok(mode.strict, `${sql}: ${String(error)}`);
          refused.add(one.id);
        });
      }
      await check(table, cases, mode);
      if (!mode.strict) return;
      const wanted = cases.filter((one) => expected(one, mode) === undefined);
      assert.deepEqual(
        [...refused],
        wanted.map((one) => one.id),
      );
    });
});
