// What headers of a Stream Load mean, and StarRocks' words for those that mean nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../../../src/base/errors.ts';
import { errorText } from '../../../../src/loads/stream/answer.ts';
import { defineStreamLoad } from '../../../../src/loads/stream/definition.ts';

const define = (headers: Record<string, string>) => defineStreamLoad(headers, 'Etc/UTC');

function refusal(headers: Record<string, string>): string {
  try {
    define(headers);
  } catch (thrown) {
    assert.ok(thrown instanceof AppError);
    return errorText(thrown);
  }
  throw new assert.AssertionError({ message: `not refused: ${JSON.stringify(headers)}` });
}

test('without headers: CSV with tabs, no row may be bad, the zone of the server', () => {
  const made = define({ host: 'h:1', 'content-length': '3', label: '' });
  assert.deepEqual(
    [made.label, made.columns, made.where, made.columnSeparator, made.rowDelimiter],
    [null, null, null, null, null],
  );
  assert.deepEqual(
    [made.maxFilterRatio, made.timeoutMs, made.skipHeader, made.compression, made.timeZone],
    [0, null, 0, 'none', 'Etc/UTC'],
  );
  assert.deepEqual(made.given, {});
  assert.deepEqual([made.negative, made.ignoreJsonSize, made.named], [false, false, null]);
});

test('what is given is read, however it is written', () => {
  const made = define({
    label: '-a_B-1',
    format: 'JSON',
    columns: 'a, tmp, b = tmp + 1',
    where: 'b > 1',
    max_filter_ratio: '0.25',
    timeout: '30',
    partitions: 'p1, `p 2`',
    negative: 'TRUE',
    ignore_json_size: 'true',
    timezone: '+08:00',
    'content-encoding': 'gzip',
    jsonpaths: '["$.a","$.b"]',
    unknown: 'x',
  });
  assert.equal(made.label, '-a_B-1');
  assert.deepEqual(
    made.columns?.map(({ name, expression }) => [name, expression !== null]),
    [
      ['a', false],
      ['tmp', false],
      ['b', true],
    ],
  );
  assert.deepEqual(
    [made.maxFilterRatio, made.timeoutMs, made.compression, made.timeZone],
    [0.25, 30_000, 'gzip', '+08:00'],
  );
  assert.deepEqual(made.named, { names: ['p1', 'p 2'], temporary: false });
  assert.deepEqual([made.negative, made.ignoreJsonSize], [true, true]);
  assert.equal(made.properties['format'], 'json');
  assert.equal(made.given['format'], 'JSON');
  assert.ok(!Object.hasOwn(made.given, 'unknown'));
});

test('a compression as format is CSV', () => {
  for (const [format, compression] of [
    ['gzip', 'gzip'],
    ['lz4', 'lz4_frame'],
    ['BZIP2', 'bzip2'],
    ['zstd', 'zstd'],
    ['deflate', 'deflate'],
  ] as const) {
    const made = define({ format });
    assert.deepEqual([made.properties['format'], made.compression], ['csv', compression]);
  }
  assert.equal(define({ compression: 'lz4' }).compression, 'lz4_frame');
  assert.equal(define({ 'content-encoding': 'identity' }).compression, 'none');
});

test("StarRocks' words for what it refuses", () => {
  const texts: readonly (readonly [Record<string, string>, string])[] = [
    [{ format: 'xml' }, 'unknown data format, format=xml'],
    [{ timeout: 'soon' }, 'Invalid timeout format'],
    [{ skip_header: '-1' }, 'skip_header must be equal or greater than 0'],
    [{ skip_header: 'one' }, 'Invalid csv load skip_header format'],
    [{ trim_space: 'maybe' }, 'Invalid trim space format. Must be bool type'],
    [{ strict_mode: '1' }, 'Invalid strict mode format. Must be bool type'],
    [{ partial_update: 'x' }, 'Invalid partial update flag format. Must be bool type'],
    [{ load_mem_limit: '-5' }, 'load_mem_limit must be equal or greater than 0'],
    [{ load_mem_limit: 'much' }, 'Invalid load mem limit format'],
    [{ exec_mem_limit: '0' }, 'exec_mem_limit must be greater than 0'],
    [{ load_dop: 'x' }, 'Invalid load_dop format'],
    [{ log_rejected_record_num: '-2' }, 'log_rejected_record_num must be equal or greater than -1'],
    [{ log_rejected_record_num: 'x' }, 'Invalid log_rejected_record_num format'],
    [
      { partitions: 'a', temporary_partitions: 'b' },
      'Can not specify both partitions and temporary partitions',
    ],
    [
      { compression: 'gzip', 'content-encoding': 'gzip' },
      'Only one of http header content-encoding and compression can be set',
    ],
    [
      { enable_merge_commit: 'perhaps' },
      'Invalid parameter enable_merge_commit. The value must be bool type, but is perhaps',
    ],
    [{ compression: 'rar' }, 'unsupported compression type: rar'],
  ];
  for (const [headers, text] of texts) assert.equal(refusal(headers), text);
});

test('what else is refused, each with what is wrong', () => {
  const texts: readonly (readonly [Record<string, string>, RegExp])[] = [
    [{ label: 'x'.repeat(129) }, /^Label format error/],
    [{ label: 'a b' }, /^Label format error: 'a b'/],
    [{ timeout: '0' }, /between 1 and 259200/],
    [{ max_filter_ratio: '1.5' }, /between 0.0 and 1.0/],
    [{ timezone: 'Moon' }, /time zone: 'Moon'/],
    [{ columns: 'a, , b' }, /syntax/i],
    [{ where: 'a >' }, /syntax/i],
    [{ columns: 'a); DROP TABLE t; --' }, /syntax/i],
    [{ format: 'json', jsonpaths: '$.a' }, /Invalid json path/],
    [{ format: 'json', json_root: 'a' }, /Invalid json path/],
    [{ envelope: 'debezium' }, /needs format=json/],
    [{ column_separator: 'x'.repeat(51) }, /51 bytes/],
    [{ warehouse: 'other' }, /Warehouse other not exists/],
    [{ negative: 'x' }, /negative/],
    [{ strip_outer_array: 'x' }, /strip_outer_array/],
  ];
  for (const [headers, text] of texts) assert.match(refusal(headers), text);
});

test('files: what they say themselves, or do not have, is no header of theirs', () => {
  assert.equal(define({ format: 'Parquet' }).properties['format'], 'parquet');
  const harmless = { format: 'orc', strip_outer_array: 'false', skip_header: '0', jsonpaths: '' };
  assert.equal(define(harmless).properties['format'], 'orc');
  for (const [name, value] of Object.entries({
    json_root: '$.a',
    strip_outer_array: 'true',
    envelope: 'debezium',
    skip_header: '1',
    column_separator: ',',
    row_delimiter: ';',
    trim_space: 'true',
    enclose: '"',
    escape: '!',
  })) {
    for (const format of ['avro', 'parquet', 'arrow', 'orc'])
      assert.equal(
        refusal({ format, [name]: value }),
        `${name} is not a property of format ${format}`,
      );
  }
});
