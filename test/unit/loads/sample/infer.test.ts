// Property: whatever JSON or CSV the samples are, every one of them loads into the columns that are inferred from them,
// in strict mode, without a rejected row.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { inferColumns } from '../../../../src/loads/sample/infer.ts';
import type { FormatSpec } from '../../../../src/model/load-plan.ts';
import { day, fraction, jsonSamples, moment, whole } from '../../../support/json-samples.ts';
import {
  CSV_FORMAT,
  column,
  JSON_FORMAT,
  makePlan,
  PipelineFixture,
} from '../../../support/pipeline-fixture.ts';

let fixture: PipelineFixture;
before(async () => {
  fixture = await PipelineFixture.open();
});
after(() => fixture.close());

async function loadsAll(messages: readonly string[], format: FormatSpec, structs: boolean) {
  const sampled = messages.map((one, index) => ({
    partition: 0,
    offset: BigInt(index),
    key: null,
    value: Buffer.from(one),
  }));
  const signal = new AbortController().signal;
  const options = { timeZone: 'Asia/Tokyo', structs, signal, pause: async () => undefined };
  const { fields, unread } = await inferColumns(sampled, format, 'topic', options);
  assert.deepEqual(unread, { count: 0, reason: '' });
  const columns = fields.map(({ name, type }) => column(name, type));
  const plan = makePlan({ columns, format, strict: true, timeZone: 'Asia/Tokyo' });
  const { rows, rejected } = await fixture.load(plan, messages);
  const types = fields.map(({ name, type }) => `${name} ${JSON.stringify(type)}`).join('\n');
  assert.deepEqual(rejected, [], types);
  return { rows, fields };
}

for (const structs of [false, true]) {
  test(`JSON, objects as ${structs ? 'STRUCT' : 'JSON'}`, async () => {
    const property = fc.asyncProperty(jsonSamples, async (messages) => {
      if (messages.every((one) => one === '{}')) return;
      const { rows, fields } = await loadsAll(messages, JSON_FORMAT, structs);
      assert.equal(rows.length, messages.length);
      // What was seen is there: no value became NULL on its way.
      for (const [index, field] of fields.entries())
        assert.equal(rows.filter((row) => row[index] !== null).length, field.seen, field.name);
    });
    await fc.assert(property, { numRuns: 150, seed: 5 });
  });
}

test('CSV', async () => {
  const cell = fc.oneof(
    whole,
    fraction.filter((one) => one !== '1e400'),
    day,
    moment,
    fc.constantFrom('', '\\N', 'true', 'false', 'x', '007', '+1', ' 1'),
  );
  const columnCells = fc.oneof(
    ...[whole, day, moment, cell].map((one) => fc.array(one, { minLength: 4, maxLength: 4 })),
  );
  const property = fc.asyncProperty(
    fc.array(columnCells, { minLength: 2, maxLength: 4 }),
    async (table) => {
      const messages = [0, 1, 2, 3].map((row) => table.map((cells) => cells[row]).join('|'));
      const { rows } = await loadsAllLoosely(messages);
      assert.equal(rows.length, 4);
    },
  );
  await fc.assert(property, { numRuns: 100, seed: 6 });
});

/** An empty field of a column that is no text is NULL, which strict mode takes for a value that does not convert. */
async function loadsAllLoosely(messages: readonly string[]) {
  const format = { ...CSV_FORMAT, columnSeparator: '|' };
  const hasEmpty = messages.some((one) => one.split('|').includes(''));
  if (!hasEmpty) return loadsAll(messages, format, false);
  const sampled = messages.map((one, index) => ({
    partition: 0,
    offset: BigInt(index),
    key: null,
    value: Buffer.from(one),
  }));
  const signal = new AbortController().signal;
  const options = { timeZone: 'UTC', structs: false, signal, pause: async () => undefined };
  const { fields } = await inferColumns(sampled, format, 'topic', options);
  const columns = fields.map(({ name, type }) => column(name, type));
  const result = await fixture.load(makePlan({ columns, format }), messages);
  assert.deepEqual(result.rejected, []);
  return result;
}
