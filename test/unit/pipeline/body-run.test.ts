// Loads of bodies from bytes to files: every row once, counts of the whole body, one staged table for a table with
// keys; and whatever ends a load in the middle, nothing is held afterwards.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { systemClock } from '../../../src/base/clock.ts';
import { AppError, type ErrorCode, fail } from '../../../src/base/errors.ts';
import { asId, type FieldId } from '../../../src/base/ids.ts';
import { seededRandom } from '../../../src/base/random.ts';
import type { BodyLoadPlan, JsonFormatSpec } from '../../../src/model/load-plan.ts';
import { FilteredLoad } from '../../../src/pipeline/body-run.ts';
import { BodyRig, makeBodyPlan, pieces } from '../../support/body-load.ts';
import {
  CSV_FORMAT,
  column,
  JSON_FORMAT,
  PipelineFixture,
} from '../../support/pipeline-fixture.ts';

const SEED = Number(process.hrtime.bigint() % 1_000_000n);
/** Batches end at a quarter of this. */
const LIMIT_BYTES = 1024 * 1024;
let fixture: PipelineFixture;
before(async () => {
  fixture = await PipelineFixture.open();
});
after(() => fixture.close());

const ID = column('id', { kind: 'BIGINT' }, { nullable: false });
const NAME = column('name', { kind: 'VARCHAR', length: 100 });
const csvPlan = (more: Partial<Parameters<typeof makeBodyPlan>[0]> = {}): BodyLoadPlan =>
  makeBodyPlan({ columns: [ID, NAME], format: CSV_FORMAT, ...more });

async function withRig(
  work: (rig: BodyRig) => Promise<void>,
  limitBytes = LIMIT_BYTES,
): Promise<void> {
  const rig = new BodyRig(fixture, limitBytes);
  try {
    await work(rig);
    assert.equal(rig.memory.usedBytes, 0, 'all memory is given back');
  } finally {
    await rig.close();
  }
}

const csvRows = (count: number): string =>
  Array.from({ length: count }, (_, id) => `${id},name of ${id}\n`).join('');

const JSON_OBJECTS: JsonFormatSpec = {
  kind: 'json',
  jsonpaths: null,
  jsonRoot: '',
  stripOuterArray: false,
};
const FORMATS = {
  csv: { format: CSV_FORMAT, body: csvRows },
  'csv enclosed': {
    format: { ...CSV_FORMAT, enclose: '"', rowDelimiter: ';\n' },
    body: (count: number) =>
      Array.from({ length: count }, (_, id) => `${id},"name of ${id}"`).join(';\n'),
  },
  'json lines': {
    format: JSON_FORMAT,
    body: (count: number) =>
      Array.from({ length: count }, (_, id) => `{"id":${id},"name":"name of ${id}"}\n`).join(''),
  },
  'json without line breaks': {
    format: JSON_FORMAT,
    body: (count: number) =>
      Array.from({ length: count }, (_, id) => `{"id":${id},"name":"name of ${id}"}`).join(''),
  },
  'json array': {
    format: { ...JSON_OBJECTS, stripOuterArray: true },
    body: (count: number) =>
      JSON.stringify(Array.from({ length: count }, (_, id) => ({ id, name: `name of ${id}` }))),
  },
} as const;

for (const [name, { format, body }] of Object.entries(FORMATS))
  test(`${name}: every row of a body of many batches is loaded once (seed ${SEED})`, () =>
    withRig(async (rig) => {
      const rows = 100_000;
      const plan = csvPlan({ format });
      const random = seededRandom(SEED);
      const bytes = Buffer.from(body(rows));
      const staged = await rig.load(
        plan,
        pieces(bytes, () => random.below(200_000)),
      );
      assert.equal(staged.rowsLoaded, rows);
      assert.deepEqual([staged.rowsFiltered, staged.rowsUnselected], [0, 0]);
      assert.equal(staged.bodyBytes, bytes.length);
      const files = staged.tables.flatMap((table) => table.files);
      assert.ok(files.length >= 4, `${files.length} files`);
      const [sum] = await rig.rows(
        staged.tables,
        plan.target.tableId,
        "SELECT count(*) AS n, count(DISTINCT id) AS ids, max(id) AS last, count(*) FILTER (name <> 'name of ' || id) AS wrong",
      );
      assert.deepEqual(sum, { n: `${rows}`, ids: `${rows}`, last: `${rows - 1}`, wrong: '0' });
      assert.ok(rig.memory.peakBytes <= LIMIT_BYTES * 1.5, `peak ${rig.memory.peakBytes}`);
    }));

for (const [name, { format, body }] of Object.entries(FORMATS))
  for (const pieceBytes of [1, 2, 3, 1000])
    test(`${name}: a byte order mark is no part of a row, in pieces of ${pieceBytes}`, () =>
      withRig(async (rig) => {
        const plan = csvPlan({ format });
        const marked = Buffer.from(`\ufeff${body(3)}`);
        const staged = await rig.load(
          plan,
          pieces(marked, () => pieceBytes),
        );
        assert.deepEqual([staged.rowsLoaded, staged.rowsFiltered], [3, 0]);
        assert.equal(staged.bodyBytes, marked.length);
        const rows = await rig.rows(staged.tables, plan.target.tableId);
        assert.deepEqual(rows.map((row) => row['id']).sort(), ['0', '1', '2']);
      }));

test('what only begins like a byte order mark is data', () =>
  withRig(async (rig) => {
    for (const start of [[0xef], [0xef, 0xbb], [0xef, 0xbb, 0x31]]) {
      const plan = csvPlan({ maxFilterRatio: 1 });
      const staged = await rig.load(
        plan,
        pieces(Buffer.from(start), () => 1),
      );
      assert.deepEqual([staged.rowsLoaded, staged.rowsFiltered], [0, 1]);
      assert.equal(staged.bodyBytes, start.length);
    }
  }));

test('counts and rejected rows are of the whole body, with the number of each row', () =>
  withRig(async (rig) => {
    const lines = Array.from({ length: 50_000 }, (_, id) =>
      id % 10_000 === 7 ? `x${id},bad` : id % 5 === 0 ? `${id},no` : `${id},yes`,
    );
    const plan = csvPlan({
      where: `"name" <> 'no'`,
      maxFilterRatio: 0.5,
      source: { skipHeader: 1 },
    });
    const body = ['id,name', ...lines].join('\n');
    const staged = await rig.load(
      plan,
      pieces(body, () => 60_000),
    );
    assert.equal(staged.rowsFiltered, 5);
    assert.equal(staged.rowsUnselected, 10_000);
    assert.equal(staged.rowsLoaded, 50_000 - 5 - 10_000);
    assert.match(staged.errorSamples[0] ?? '', /Row: x7,bad/);
    const rejected = await rig.rows(staged.tables, plan.rejected.tableId);
    assert.deepEqual(
      rejected.map((row) => [row['source_info'], row['load_type'], row['message_topic']]),
      [0, 1, 2, 3, 4].map((n) => [`{"row":${n * 10_000 + 9}}`, 'STREAM_LOAD', null]),
    );
    assert.deepEqual(JSON.parse(rejected[1]?.['raw_record'] ?? ''), { id: 'x10007', name: 'bad' });
  }));

test('over the filter ratio the load fails with the counts of the whole body and the first of its rows', () =>
  withRig(async (rig) => {
    const lines = Array.from({ length: 40_000 }, (_, id) => (id % 4 === 3 ? 'bad' : `${id},a`));
    const plan = csvPlan({ maxFilterRatio: 0.2 });
    const begun = fixture.begin();
    const thrown = await rig
      .load(
        plan,
        pieces(lines.join('\n'), () => 50_000),
      )
      .then(
        () => assert.fail('it failed'),
        (error: unknown) => error,
      );
    assert.ok(thrown instanceof FilteredLoad);
    assert.equal(thrown.code, 'BODY_FILTERED');
    const { rowsLoaded, rowsFiltered, tables, errorSamples } = thrown.counts;
    assert.deepEqual([rowsLoaded, rowsFiltered, tables], [30_000, 10_000, []]);
    assert.match(errorSamples[0] ?? '', /Expect 2, but got 1.*Row: bad/);
    assert.match(thrown.message, /10000 of 40000, max_filter_ratio is 0.2/);
    const staged = await thrown.rejected.stage(
      {
        target: plan.rejected,
        schema: (await import('../../../src/model/system-tables.ts')).REJECTED_RECORDS_SCHEMA,
        store: fixture.store,
      },
      begun.transactionId,
      { random: seededRandom(1), tempDirectory: fixture.directory },
      fixture.connection,
      {},
    );
    thrown.rejected.close();
    const kept = await rig.rows(staged === null ? [] : [staged], plan.rejected.tableId);
    assert.equal(kept.length, 10_000);
    assert.equal(kept[9_999]?.['source_info'], '{"row":40000}');
  }));

test('no row filtered where none may be: the first of them fails the load, read to its end', () =>
  withRig(async (rig) => {
    const body = `bad\n${csvRows(30_000)}`;
    await assert.rejects(
      rig.load(
        csvPlan(),
        pieces(body, () => 70_000),
      ),
      (error) => {
        assert.ok(error instanceof FilteredLoad);
        error.rejected.close();
        return error.counts.rowsLoaded === 30_000 && error.counts.rowsFiltered === 1;
      },
    );
  }));

test('every row filtered where that is allowed, but some are wanted: the load fails and its rows are kept', () =>
  withRig(async (rig) => {
    const plan = csvPlan({ maxFilterRatio: 1 });
    const load = (emptyIsError: boolean) =>
      rig.load(
        { ...plan, emptyIsError },
        pieces('x,a\ny,b\n', () => 3),
      );
    const loaded = await load(false);
    assert.deepEqual([loaded.rowsLoaded, loaded.rowsFiltered], [0, 2]);
    await assert.rejects(load(true), (error) => {
      assert.ok(error instanceof FilteredLoad && error.code === 'BODY_NO_ROWS');
      assert.deepEqual([error.counts.rowsFiltered, error.rejected.rowCount], [2, 2]);
      assert.deepEqual(error.counts.tables, []);
      error.rejected.close();
      return true;
    });
  }));

test('of a key the last row of the body counts, over all batches', () =>
  withRig(async (rig) => {
    const random = seededRandom(SEED);
    const last = new Map<string, string>();
    const lines = Array.from({ length: 60_000 }, (_, n) => {
      const id = String(random.below(5_000));
      const isDelete = random.below(10) === 0;
      if (isDelete) last.delete(id);
      else last.set(id, `n${n}`);
      return `${id},n${n},${isDelete ? 'delete' : 'upsert'}`;
    });
    const plan = csvPlan({
      columns: [{ ...ID, isKey: true }, NAME],
      fields: ['id', 'name', 'op'],
      keys: ['id'],
      operation: {
        column: column('__op', { kind: 'VARCHAR', length: 10 }),
        from: { kind: 'field', field: 'op' },
      },
    });
    const staged = await rig.load(
      plan,
      pieces(lines.join('\n'), () => 100_000),
    );
    assert.equal(staged.rowsLoaded, 60_000);
    const own = staged.tables.filter(({ tableId }) => tableId === plan.target.tableId);
    assert.equal(own.length, 1);
    const rows = await rig.rows(own, plan.target.tableId);
    assert.deepEqual(new Map(rows.map((row) => [row['id'], row['name']])), last);
    assert.equal(rows.length, last.size);
    const deleted = own[0]?.keyed?.deletes?.rowCount ?? 0;
    assert.ok(deleted > 0 && deleted + last.size <= 5_000, `${deleted} keys are deleted`);
  }));

test('a partition gets one file of all batches, sorted as the table wants it', () =>
  withRig(async (rig) => {
    const plain = csvPlan({ sortBy: ['id'] });
    const routed = { name: 'name', type: NAME.type, transform: { kind: 'identity' as const } };
    const routing = { kind: 'automatic' as const, columns: [routed] };
    const plan = { ...plain, target: { ...plain.target, routing } };
    const rows = 60_000;
    const lines = Array.from({ length: rows }, (_, n) => `${(n * 7919) % rows},part ${n % 5}`);
    const staged = await rig.load(
      plan,
      pieces(lines.join('\n'), () => 90_000),
    );
    assert.equal(staged.rowsLoaded, rows);
    const files = staged.tables.flatMap((table) => table.files);
    assert.deepEqual(
      files.map(({ partition, rowCount }) => [partition, rowCount]),
      [0, 1, 2, 3, 4].map((n) => [{ kind: 'key', key: [`part ${n}`] }, rows / 5]),
    );
    for (const file of files) {
      const one = [{ tableId: plan.target.tableId, files: [file] }];
      const ids = (await rig.rows(one, plan.target.tableId)).map((row) => Number(row['id']));
      assert.deepEqual(
        ids,
        ids.toSorted((a, b) => a - b),
      );
    }
  }));

test('AUTO_INCREMENT values go up with the rows of the body', () =>
  withRig(async (rig) => {
    const counter = column('n', { kind: 'BIGINT' }, { nullable: false, autoIncrement: true });
    const plan = csvPlan({
      columns: [ID, counter],
      fields: ['id'],
      outputs: [
        { column: ID, from: { kind: 'field', field: 'id' } },
        {
          column: { ...counter, fieldId: asId<FieldId>(2) },
          from: { kind: 'default' },
        },
      ],
    });
    const body = Array.from({ length: 100_000 }, (_, id) => `${id}\n`).join('');
    const staged = await rig.load(
      plan,
      pieces(body, () => 60_000),
    );
    const [sum] = await rig.rows(
      staged.tables,
      plan.target.tableId,
      'SELECT count(DISTINCT n) AS ids, max(n) - min(n) AS span, corr(id, n) AS order',
    );
    assert.deepEqual(sum, { ids: '100000', span: '99999', order: '1' });
  }));

test('a compressed body counts as it came', () =>
  withRig(async (rig) => {
    const bytes = gzipSync(csvRows(20_000));
    const plan = csvPlan({ source: { compression: 'gzip' } });
    const staged = await rig.load(
      plan,
      pieces(bytes, () => 5_000),
    );
    assert.deepEqual([staged.rowsLoaded, staged.bodyBytes], [20_000, bytes.length]);
  }));

const codeIs = (code: ErrorCode) => (thrown: unknown) =>
  thrown instanceof AppError && thrown.code === code;

/** Rows, and then something else. */
async function* rowsThen(then: () => Promise<void>): AsyncGenerator<Buffer> {
  for (let part = 0; part < 20; part += 1) yield Buffer.from(csvRows(3_000));
  await then();
}
const never = (): Promise<void> => new Promise(() => undefined);

test('whatever ends a load in the middle frees all that it held', () =>
  withRig(async (rig) => {
    const gone = fail('CANCELLED');
    await assert.rejects(
      rig.load(
        csvPlan(),
        rowsThen(() => Promise.reject(gone)),
      ),
      (error) => error === gone,
    );
    await assert.rejects(
      rig.load(csvPlan({ source: { idleTimeoutMs: 50 } }), rowsThen(never)),
      codeIs('BODY_IDLE'),
    );
    await assert.rejects(
      rig.load(csvPlan({ source: { maxBytes: 100_000 } }), rowsThen(never)),
      codeIs('BODY_TOO_LARGE'),
    );
    const abort = new AbortController();
    const aborted = rig.load(csvPlan(), rowsThen(never), abort.signal);
    await systemClock.sleep(30);
    abort.abort(fail('CANCELLED'));
    await assert.rejects(aborted, codeIs('CANCELLED'));
    const json = csvPlan({ format: JSON_FORMAT });
    const cut = `${FORMATS['json lines'].body(50_000)}{"id":`;
    await assert.rejects(
      rig.load(
        json,
        pieces(cut, () => 90_000),
      ),
      codeIs('BODY_JSON_INCOMPLETE'),
    );
    const large = csvPlan({ format: JSON_FORMAT, source: { maxDocumentBytes: 200_000 } });
    await assert.rejects(
      rig.load(
        large,
        pieces(`{"id":1,"name":"${'x'.repeat(300_000)}"}`, () => 9_000),
      ),
      (error) =>
        error instanceof AppError &&
        error.message.startsWith(
          'The size of this batch exceed the max size [200000] of json type',
        ),
    );
    const long = csvPlan({ maxMessageBytes: 100_000 });
    await assert.rejects(
      rig.load(
        long,
        pieces(`1,a\n2,${'x'.repeat(500_000)}`, () => 9_000),
      ),
      codeIs('BODY_ROW_TOO_LARGE'),
    );
    const sql = csvPlan({ where: 'no_such_function(1)' });
    await assert.rejects(rig.load(sql, rowsThen(never)), codeIs('LOAD_SQL'));
    const whole = await rig.load(
      csvPlan(),
      pieces(csvRows(1_000), () => 100),
    );
    assert.equal(whole.rowsLoaded, 1_000);
  }));

test('a row of many megabytes that comes in small pieces is loaded whole', () =>
  withRig(
    async (rig) => {
      const name = column('name', { kind: 'VARCHAR', length: 100 * 1024 * 1024 });
      const plan = csvPlan({ columns: [ID, name] });
      const long = 'x'.repeat(40 * 1024 * 1024);
      const body = Buffer.from(`1,a\n2,${long}\n3,b\n`);
      const staged = await rig.load(
        plan,
        pieces(body, () => 64 * 1024),
      );
      assert.equal(staged.rowsLoaded, 3);
      const rows = await rig.rows(
        staged.tables,
        plan.target.tableId,
        'SELECT id::VARCHAR AS id, strlen(name)::VARCHAR AS bytes',
      );
      assert.deepEqual(
        rows.map(({ id, bytes }) => `${id}: ${bytes}`),
        ['1: 1', `2: ${long.length}`, '3: 1'],
      );
    },
    512 * 1024 * 1024,
  ));

test('a document larger than all memory for bodies is loaded, one at a time', () =>
  withRig(async (rig) => {
    const plan = csvPlan({ format: { ...JSON_OBJECTS, jsonRoot: '$.list' } });
    const list = Array.from({ length: 30_000 }, (_, id) => ({ id, name: `name of ${id}` }));
    const body = Buffer.from(JSON.stringify({ list }));
    assert.ok(body.length > LIMIT_BYTES);
    const loads = [1, 2, 3].map(() =>
      rig.load(
        plan,
        pieces(body, () => 64_000),
      ),
    );
    for (const staged of await Promise.all(loads)) assert.equal(staged.rowsLoaded, 30_000);
    assert.ok(rig.memory.peakBytes < 6 * body.length, `peak ${rig.memory.peakBytes}`);
  }));
