// Property: whatever JSON or CSV the samples are, every one of them loads into the columns that are inferred from them,
// in strict mode, without a rejected row.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { inferColumns } from '../../../../src/loads/sample/infer.ts';
import type { FormatSpec } from '../../../../src/model/load-plan.ts';
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

const pad = (value: number, digits: number): string => String(value).padStart(digits, '0');
const day = fc
  .tuple(fc.integer({ min: 1, max: 9999 }), fc.integer({ min: 0, max: 13 }), fc.nat(32))
  .map(([year, month, date]) => `${pad(year, 4)}-${pad(month, 2)}-${pad(date, 2)}`);
const clock = fc
  .tuple(fc.nat(24), fc.nat(60), fc.nat(60), fc.constantFrom('', '.5', '.123456789'))
  .map(([h, m, s, part]) => `${pad(h, 2)}:${pad(m, 2)}:${pad(s, 2)}${part}`);
const zone = fc.constantFrom('', 'Z', '+08:00', '-1130', '+15:00');
const moment = fc
  .tuple(day, fc.constantFrom(' ', 'T'), clock, zone)
  .map(([date, between, time, where]) => `${date}${between}${time}${where}`);
const whole = fc.oneof(
  fc.maxSafeInteger().map(String),
  fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(String),
  fc.bigInt(-(2n ** 130n), 2n ** 130n).map(String),
  fc.constantFrom('-0', '9223372036854775808', '170141183460469231731687303715884105728'),
);
const fraction = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.tuple(whole, fc.nat(999_999_999)).map(([left, right]) => `${left}.${right}`),
  fc.constantFrom('1e400', '-2.5E-3', '0.0', '123456789012345678901234567890.125'),
);
const text = fc.oneof(
  fc.string().map((value) => JSON.stringify(value)),
  fc.constantFrom('""', '"true"', '"12"', '"null"', '"\\ud83d\\ude00"', '"1_0"'),
);
const quoted = (value: string): string => `"${value}"`;
/** One kind for most values of a field, so that narrow types come about. */
const leaf = fc.oneof(
  whole,
  fraction,
  day.map(quoted),
  moment.map(quoted),
  text,
  fc.constantFrom('true', 'false'),
);
const key = fc.constantFrom('a', 'b', 'B', 'c_1', 'größe', 'x y', '_', '"', '', '0');
const value = fc.letrec<{ value: string; list: string; object: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    { weight: 6, arbitrary: leaf },
    { weight: 1, arbitrary: fc.constant('null') },
    { weight: 2, arbitrary: tie('list') },
    { weight: 2, arbitrary: tie('object') },
  ),
  list: fc.array(tie('value'), { maxLength: 4 }).map((items) => `[${items.join(', ')}]`),
  object: fc
    .array(fc.tuple(key, tie('value')), { maxLength: 4 })
    .map((entries) => `{${entries.map(([k, v]) => `${JSON.stringify(k)}: ${v}`).join(',')}}`),
})).value;
const kinds = [
  whole,
  fraction,
  fc.oneof(whole, fraction),
  day.map(quoted),
  fc.oneof(day, moment).map(quoted),
  text,
  fc.constantFrom('true', 'false', 'null'),
  fc.array(whole, { maxLength: 3 }).map((items) => `[${items.join()}]`),
  fc.array(fc.oneof(moment.map(quoted), fc.constant('null'))).map((items) => `[${items.join()}]`),
  value,
  value,
];
/** Messages whose field `f<n>` is of kind n, and some fields of any kind. */
const message = fc
  .tuple(fc.subarray(kinds.map((_, index) => index)), fc.tuple(...kinds))
  .map(([chosen, values]) => `{${chosen.map((n) => `"f${n}":${values[n]}`).join(',')}}`);
const samples = fc.array(message, { minLength: 1, maxLength: 12 });

async function loadsAll(messages: readonly string[], format: FormatSpec, structs: boolean) {
  const sampled = messages.map((one, index) => ({
    partition: 0,
    offset: BigInt(index),
    key: null,
    value: Buffer.from(one),
  }));
  const signal = new AbortController().signal;
  const options = { timeZone: 'Asia/Tokyo', structs, signal };
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
    const property = fc.asyncProperty(samples, async (messages) => {
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
  const options = { timeZone: 'UTC', structs: false, signal };
  const { fields } = await inferColumns(sampled, format, 'topic', options);
  const columns = fields.map(({ name, type }) => column(name, type));
  const result = await fixture.load(makePlan({ columns, format }), messages);
  assert.deepEqual(result.rejected, []);
  return result;
}
