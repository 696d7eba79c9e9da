// What becomes of messages that are not what the table wants: a NULL, a rejected row with its raw value
// and where it came from, or a paused job. One server for all; each case has its own topic and table.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type KafkaAdmin, openKafkaAdmin } from '../../src/kafka/client/admin.ts';
import { LoadCase, type LoadCaseOptions } from '../support/load-case.ts';
import { errorOf } from '../support/load-job.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;
let admin: KafkaAdmin;

before(async () => {
  server = await startServer({});
  admin = await openKafkaAdmin({
    connection: { brokers: [server.bootstrap], properties: {} },
    clientId: 'bad-input',
  });
});

after(async () => {
  await admin.close();
  assert.equal(await server.stop(), 0);
});

const TOLERANT = { max_error_number: '1000' };
const prepare = (options: LoadCaseOptions): Promise<LoadCase> =>
  LoadCase.prepare(server, admin, options);

/** Table, topic, job; sends the messages and waits until they are behind the job. */
async function load(
  options: LoadCaseOptions,
  messages: readonly (string | Buffer | null)[],
): Promise<LoadCase> {
  const loadCase = await prepare({
    ...options,
    properties: { ...TOLERANT, ...options.properties },
  });
  await loadCase.start();
  await loadCase.send(messages);
  await loadCase.untilConsumed();
  return loadCase;
}

/** Offset and what is wrong, for each rejected row. */
async function reasons(loadCase: LoadCase): Promise<string[]> {
  return (await loadCase.rejected()).map(
    (row) => `${row.source.offset} ${row.code} ${row.message}`,
  );
}

const COLUMNS =
  'id INT NOT NULL, n INT, v VARCHAR(5), d DATE, x DECIMAL(5,2), b BOOLEAN, j JSON, f DOUBLE, at DATETIME';

describe('values of JSON messages', () => {
  test('strict_mode=false: what does not convert is NULL, NOT NULL rejects the row', async () => {
    const loadCase = await load({ name: 'loose', columns: COLUMNS }, [
      '{"id":1,"n":"abc","v":"toolong","d":"2024-13-01","x":"x","b":"maybe","f":"y","at":"noon"}',
      '{"id":2,"n":99999999999,"v":"ä€x","d":"2024-02-30","x":12345.678,"f":1e400}',
      '{"id":3,"n":" 7 ","v":5,"d":"2024-01-02 10:00:00","x":123.456,"b":1,"f":"1.5","at":"2024-01-02T03:04:05"}',
      '{"id":4,"n":1.9,"v":{"a":1},"d":20240102,"x":"-0.005","b":"TRUE","j":{"a":[1,{"b":null}]}}',
      '{"id":"x","v":"raw"}',
      '{"v":"none"}',
      '{"id":null}',
      '{"id":1e2,"j":"text","extra":{"deep":[1]}}',
      '{"id":99999999999}',
    ]);
    assert.deepEqual(await loadCase.rows(), [
      ['1', null, null, null, null, null, null, null, null],
      ['2', null, null, null, null, null, null, null, null],
      ['3', '7', '5', '2024-01-02', '123.46', '1', null, '1.5', '2024-01-02 03:04:05'],
      ['4', '1', null, '2024-01-02', '-0.01', '1', '{"a": [1, {"b": null}]}', null, null],
      ['100', null, null, null, null, null, '"text"', null, null],
    ]);
    assert.deepEqual(await reasons(loadCase), [
      "4 VALUE_OUT_OF_RANGE NULL value in non-nullable column 'id': 'x' does not convert to int(11)",
      "5 NULL_VALUE NULL value in non-nullable column 'id'",
      "6 NULL_VALUE NULL value in non-nullable column 'id'",
      "8 VALUE_OUT_OF_RANGE NULL value in non-nullable column 'id': '99999999999' does not convert to int(11)",
    ]);
    const [first] = await loadCase.rejected();
    assert.deepEqual([first?.raw, first?.column], ['{"id": "x", "v": "raw"}', 'id']);
    const { loaded, filtered, consumed } = await loadCase.ledger();
    assert.deepEqual([loaded, filtered, consumed], [5, 4, 9]);
  });

  test('strict_mode=true: a value that does not convert rejects the row, NULL does not', async () => {
    const options = { name: 'strict', columns: COLUMNS, properties: { strict_mode: 'true' } };
    const loadCase = await load(options, [
      '{"id":1,"n":"abc"}',
      '{"id":2,"v":"toolong"}',
      '{"id":3,"x":12345.678}',
      '{"id":4,"d":"2024-02-30"}',
      '{"id":5,"b":"maybe"}',
      '{"id":6,"n":null,"v":null}',
      '{"id":7,"n":true}',
      '{"id":8,"at":"noon"}',
      '{"id":9,"n":5,"v":"good"}',
    ]);
    assert.deepEqual(await loadCase.rows('id, n, v'), [
      ['6', null, null],
      ['9', '5', 'good'],
    ]);
    assert.deepEqual(await reasons(loadCase), [
      "0 VALUE_OUT_OF_RANGE Value 'abc' is out of range. The type of 'n' is int(11)",
      '1 VALUE_TOO_LONG Value length is beyond the capacity. column=v, capacity=5, actual=7',
      "2 VALUE_OUT_OF_RANGE Value '12345.678' is out of range. The type of 'x' is decimal(5, 2)",
      "3 VALUE_OUT_OF_RANGE Value '2024-02-30' is out of range. The type of 'd' is date",
      "4 VALUE_OUT_OF_RANGE Value 'maybe' is out of range. The type of 'b' is boolean",
      "6 VALUE_OUT_OF_RANGE Value 'true' is out of range. The type of 'n' is int(11)",
      "7 VALUE_OUT_OF_RANGE Value 'noon' is out of range. The type of 'at' is datetime",
    ]);
  });

  test('messages that are no JSON object are rejected with their bytes', async () => {
    const notUtf8 = Buffer.concat([
      Buffer.from('{"id":1,"v":"'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}'),
    ]);
    const loadCase = await load({ name: 'broken', columns: 'id INT NOT NULL, v STRING' }, [
      'not json',
      '{"id":4',
      '[1,2]',
      '[{"id":30}]',
      notUtf8,
      '"just text"',
      '42',
      'null',
      '{"id":9}{"id":10}',
      '{"id":25} trailing',
      "{'id':26}",
      '{"id":27,"v":"a\nb"}',
      '{"id":028}',
      '{"id":29,"v":"\\ud800"}',
      '{}',
      '{"id":1,"v":"good"}',
    ]);
    assert.deepEqual(await loadCase.rows(), [['1', 'good']]);
    const rejected = await loadCase.rejected();
    assert.equal(rejected.length, 15);
    const messages = rejected.map((row) => row.message);
    assert.match(messages[0] ?? '', /^Failed to parse the message as JSON: Unexpected token/);
    assert.match(messages[1] ?? '', /^Failed to parse the message as JSON/);
    assert.match(messages[2] ?? '', /array type .* you can set strip_outer_array=true/);
    assert.match(messages[4] ?? '', /^Invalid UTF-8/);
    assert.match(messages[5] ?? '', /not object type/);
    assert.match(messages[6] ?? '', /not object type/);
    assert.match(messages[8] ?? '', /^Failed to parse the message as JSON/);
    assert.match(messages[11] ?? '', /unescaped line break in a string/);
    assert.deepEqual(rejected[14]?.column, 'id');
    assert.deepEqual(
      rejected.slice(0, 14).map((row) => row.code),
      Array.from({ length: 14 }, () => 'PARSE_ERROR'),
    );
    assert.equal(rejected[0]?.raw, '{"_raw": "not json"}');
    const kept = JSON.parse(rejected[4]?.raw ?? '') as { _raw_base64: string };
    assert.deepEqual(Buffer.from(kept._raw_base64, 'base64'), notUtf8);
    assert.deepEqual(JSON.parse(rejected[11]?.raw ?? ''), { _raw: '{"id":27,"v":"a\nb"}' });
  });

  test('empty and null messages are skipped and counted', async () => {
    const loadCase = await load({ name: 'empty', columns: 'id INT' }, [
      '',
      null,
      ' \n ',
      '{"id":1}',
    ]);
    assert.deepEqual(await loadCase.rows(), [['1']]);
    assert.deepEqual(await loadCase.rejected(), []);
    const { received, consumed, empty, filtered } = await loadCase.ledger();
    assert.deepEqual([received, consumed, empty, filtered], [4, 1, 3, 0]);
  });

  test('BOM, duplicate keys, several lines: read; keys are told apart by case', async () => {
    const loadCase = await load({ name: 'oddities', columns: 'id INT NOT NULL, v STRING' }, [
      '\ufeff{"id":1}',
      '{"id":2,"id":3}',
      '{"id":4}\n{"id":5,\n"v":"x"}\n',
      '  {"id" : 6 , "v" : "sp"}  ',
      '{"ID":7}',
      '{"id":8,"v":"\\u00e4\\ud83d\\ude00\\"\\n"}',
    ]);
    assert.deepEqual(await loadCase.rows(), [
      ['1', null],
      ['2', null],
      ['4', null],
      ['5', 'x'],
      ['6', 'sp'],
      ['8', 'ä😀"\n'],
    ]);
    assert.deepEqual(await reasons(loadCase), [
      "4 NULL_VALUE NULL value in non-nullable column 'id'",
    ]);
  });

  test('strip_outer_array: each element is a row, a bad element does not hold the others back', async () => {
    const options = {
      name: 'arrays',
      columns: 'id INT NOT NULL, v VARCHAR(5)',
      properties: { strip_outer_array: 'true' },
    };
    const loadCase = await load(options, [
      '[{"id":1},{"id":2,"v":"toolong"},{"n":3}]',
      '[]',
      '{"id":3}',
      '[1,{"id":4}]',
      '[{"id":5}',
      '[{"id":6}]x',
      ' [ {"id" : 8 } , {"id":9}] ',
    ]);
    assert.deepEqual(
      (await loadCase.rows('id')).map((row) => row[0]),
      ['1', '2', '4', '8', '9'],
    );
    const rejected = await loadCase.rejected();
    assert.deepEqual(
      rejected.map((row) => `${row.source.offset} ${row.raw}`),
      [
        '0 {"n": 3}',
        '2 {"_raw": "{\\"id\\":3}"}',
        '3 {"_raw": "1"}',
        '4 {"_raw": "[{\\"id\\":5}"}',
        '5 {"_raw": "[{\\"id\\":6}]x"}',
      ],
    );
    assert.match(rejected[1]?.message ?? '', /not array type, set strip_outer_array=false/);
  });

  test('json_root and jsonpaths', async () => {
    const options = {
      name: 'paths',
      columns: 'id INT NOT NULL, n INT, v STRING',
      load: 'COLUMNS (id, n, v)',
      properties: {
        json_root: '$.data',
        jsonpaths: '["$.i","$.deep.n","$.list[1]"]',
      },
    };
    const loadCase = await load(options, [
      '{"data":{"i":1,"deep":{"n":5},"list":["a","b"]}}',
      '{"other":1}',
      '{"data":[{"i":2},{"i":3,"deep":7}]}',
      '{"data":5}',
      '{"data":{"i":4,"list":"x"}}',
    ]);
    assert.deepEqual(await loadCase.rows(), [
      ['1', '5', 'b'],
      ['2', null, null],
      ['3', null, null],
      ['4', null, null],
    ]);
    assert.deepEqual(await reasons(loadCase), [
      '1 PARSE_ERROR The message has no value at json_root',
      '3 PARSE_ERROR The value is not object type: a row must be a JSON object',
    ]);
  });

  test('derived columns, WHERE and defaults: rows that WHERE leaves out are unselected, not rejected', async () => {
    const options = {
      name: 'derived',
      columns:
        'id INT NOT NULL, day DATE, v VARCHAR(20) DEFAULT "dflt", made DATETIME DEFAULT CURRENT_TIMESTAMP, u VARCHAR(40) DEFAULT (uuid())',
      load: 'COLUMNS (id, ts, day = from_unixtime(ts, "%Y-%m-%d")), WHERE id <> 3 AND day > "1980-01-01"',
    };
    const loadCase = await load(options, [
      '{"id":1,"ts":1700000000}',
      '{"id":2,"ts":0}',
      '{"id":3,"ts":1700000000}',
      '{"id":4,"ts":"bad"}',
    ]);
    const select =
      'id, day, v, made BETWEEN now() - INTERVAL 1 HOUR AND now() + INTERVAL 1 HOUR, length(u)';
    assert.deepEqual(await loadCase.rows(select), [['1', '2023-11-14', 'dflt', '1', '36']]);
    const { loaded, filtered, unselected } = await loadCase.ledger();
    assert.deepEqual([loaded, filtered, unselected], [1, 0, 3]);
    assert.equal(
      (JSON.parse((await loadCase.show())['Statistic'] ?? '') as Record<string, number>)[
        'unselectedRows'
      ],
      3,
    );
  });

  test('a message of 20 MB is loaded, or kept whole when it is bad, and both can be read', async () => {
    const large = 'x'.repeat(20 * 1024 * 1024);
    const loadCase = await load({ name: 'large', columns: 'id INT NOT NULL, v STRING, w STRING' }, [
      `{"id":1,"v":"${large}","w":"small"}`,
      `{"id":2,"v":"${large}`,
      '{"id":3}',
    ]);
    assert.deepEqual(await loadCase.rows(), [
      ['1', null, 'small'],
      ['3', null, null],
    ]);
    const [rejected, ...none] = await loadCase.rejected();
    assert.equal(none.length, 0);
    const bad = `{"id":2,"v":"${large}`;
    const start = bad.slice(0, 1024 * 1024);
    assert.deepEqual(JSON.parse(rejected?.raw ?? ''), { _raw: start, _raw_size: bad.length });
    assert.ok((await loadCase.trackingLogs())[0]?.includes(large.slice(0, 1_000_000)));
    const kept = `SELECT message_value FROM _statistics_.rejected_records WHERE target_table = 'large'`;
    assert.ok((await server.value(kept)) === bad);
  });
});

describe('CSV messages', () => {
  const columns = 'id INT NOT NULL, v VARCHAR(10), n INT';

  test('separators, \\N, empty fields, wrong counts and wrong values', async () => {
    const options = {
      name: 'csv',
      columns,
      load: 'COLUMNS TERMINATED BY ","',
      properties: { format: 'csv' },
    };
    const loadCase = await load(options, [
      '1,a,5',
      '2,\\N,\\N',
      '3,,',
      '4,b',
      '5,b,6,extra',
      'x,b,1',
      '',
      '8,toolongvalue,1',
      ' 9 , sp , 3 ',
      '10,a,1\n11,b,2\n',
      '12,a,1\r\n13,b,2',
      Buffer.from([0x31, 0x35, 0x2c, 0xff, 0x2c, 0x31]),
      '16,a,1.5',
      '\ufeff17,a,1',
      '\\N,a,1',
    ]);
    assert.deepEqual(await loadCase.rows(), [
      ['1', 'a', '5'],
      ['2', null, null],
      ['3', '', null],
      ['8', null, '1'],
      ['9', ' sp ', '3'],
      ['10', 'a', '1'],
      ['11', 'b', '2'],
      ['12', 'a', '1'],
      ['13', 'b', '2'],
      ['16', 'a', '1'],
      ['17', 'a', '1'],
    ]);
    const counts = 'PARSE_ERROR Value count does not match column count. Expect 3, but got';
    const delimiters = 'Column delimiter: ",", Row delimiter: "\\n"';
    assert.deepEqual(await reasons(loadCase), [
      `3 ${counts} 2. ${delimiters}`,
      `4 ${counts} 4. ${delimiters}`,
      "5 VALUE_OUT_OF_RANGE NULL value in non-nullable column 'id': 'x' does not convert to int(11)",
      '11 PARSE_ERROR Invalid UTF-8 in the message',
      "14 NULL_VALUE NULL value in non-nullable column 'id'",
    ]);
    const raws = (await loadCase.rejected()).map((row) => row.raw);
    assert.deepEqual(raws.slice(0, 3), [
      '{"_raw": "4,b"}',
      '{"_raw": "5,b,6,extra"}',
      '{"id": "x", "n": "1", "v": "b"}',
    ]);
    assert.deepEqual(raws[3], '{"_raw_base64": "MTUs/ywx"}');
    const { consumed, empty, loaded, filtered } = await loadCase.ledger();
    assert.deepEqual([consumed, empty, loaded, filtered], [14, 1, 11, 5]);
  });

  test('enclose, escape, trim_space, long separators', async () => {
    const options = {
      name: 'enclosed',
      columns,
      load: 'COLUMNS TERMINATED BY "|+|", ROWS TERMINATED BY ";"',
      properties: { format: 'csv', enclose: '"', escape: '\\\\', trim_space: 'true' },
    };
    const loadCase = await load(options, [
      '1|+|a|+|5;2|+|"x|+|y"|+|6',
      '3|+|"say ""hi"""|+| 7 ',
      '4|+|back\\"sl|+|8',
      '5|+|"open|+|9',
      '7|+|"a;b"|+|1;8|+|c|+|2;',
    ]);
    assert.deepEqual(await loadCase.rows(), [
      ['1', 'a', '5'],
      ['2', 'x|+|y', '6'],
      ['3', 'say "hi"', '7'],
      ['4', 'back"sl', '8'],
      ['7', 'a;b', '1'],
      ['8', 'c', '2'],
    ]);
    assert.deepEqual(await reasons(loadCase), ['3 PARSE_ERROR The enclosed field is not closed']);
  });

  test('columns by position, fields that no column takes, hex separators', async () => {
    const options = {
      name: 'positions',
      columns,
      load: 'COLUMNS (n, skipped, id, v = concat(skipped, "!")), COLUMNS TERMINATED BY "\\\\x01"',
      properties: { format: 'csv' },
    };
    const loadCase = await load(options, ['5\u0001s\u00011', '6\u0001\\N\u00012']);
    assert.deepEqual(await loadCase.rows(), [
      ['1', 's!', '5'],
      ['2', null, '6'],
    ]);
  });
});

describe('jobs that meet errors', () => {
  const columns = 'id INT NOT NULL, v VARCHAR(5)';

  test('max_error_number 0: good rows are committed, then PAUSED; RESUME goes on behind the bad rows', async () => {
    const loadCase = await prepare({ name: 'err_zero', columns });
    await loadCase.start();
    await loadCase.send(['{"id":1}', 'bad', '{"id":2}', '{"v":"x"}', '{"id":3}'], 'the key');
    const paused = await loadCase.untilState('PAUSED');
    assert.equal(
      paused['ReasonOfStateChanged'],
      "ErrorReason{errCode = 102, msg='Current error rows: 2 is more than max error num: 0'}",
    );
    assert.equal(paused['Progress'], '{"0":"4"}');
    assert.deepEqual(
      (await loadCase.rows('id')).map((row) => row[0]),
      ['1', '2', '3'],
    );
    const rejected = await loadCase.rejected();
    assert.deepEqual(
      rejected.map(({ source: { topic, partition, offset, key } }) => [
        topic,
        partition,
        offset,
        key,
      ]),
      [
        ['err_zero', 0, 1, 'the key'],
        ['err_zero', 0, 3, 'the key'],
      ],
    );
    assert.ok(rejected.every(({ source }) => Math.abs(source.timestamp - Date.now()) < 600_000));
    const logs = await loadCase.trackingLogs();
    assert.equal(logs.length, 2);
    assert.match(
      logs[0] ?? '',
      /^Error: Failed to parse the message as JSON.*Row: \{"_raw": "bad"\}$/,
    );
    assert.equal(logs[1], `Error: NULL value in non-nullable column 'id'. Row: {"v": "x"}`);

    await loadCase.send(['{"id":4}', '{"id":5}']);
    await loadCase.command('RESUME');
    await loadCase.untilConsumed();
    assert.equal((await loadCase.show())['State'], 'RUNNING');
    assert.equal((await loadCase.show())['ReasonOfStateChanged'], '');
    assert.deepEqual(
      (await loadCase.rows('id')).map((row) => row[0]),
      ['1', '2', '3', '4', '5'],
    );
    const { consumed, loaded, filtered } = await loadCase.ledger();
    assert.deepEqual([consumed, loaded, filtered], [7, 5, 2]);
  });

  test('max_error_number counts over batches; a batch of bad rows only moves the offset too', async () => {
    const loadCase = await prepare({
      name: 'err_two',
      columns,
      properties: { max_error_number: '2' },
    });
    await loadCase.start();
    await loadCase.send(['bad', 'bad']);
    await loadCase.untilConsumed();
    assert.equal((await loadCase.show())['State'], 'RUNNING');
    await loadCase.send(['bad']);
    const paused = await loadCase.untilState('PAUSED');
    assert.match(
      paused['ReasonOfStateChanged'] ?? '',
      /Current error rows: 3 is more than max error num: 2/,
    );
    assert.equal(paused['Progress'], '{"0":"2"}');
    assert.equal((await loadCase.rejected()).length, 3);
    // The window begins anew with RESUME.
    await loadCase.command('RESUME');
    await loadCase.send(['bad', '{"id":1}']);
    await loadCase.untilConsumed();
    assert.equal((await loadCase.show())['State'], 'RUNNING');
    assert.deepEqual(await loadCase.rows('id'), [['1']]);
  });

  test('max_filter_ratio: the batch is not committed, the position stays, PAUSED with samples', async () => {
    const loadCase = await prepare({
      name: 'ratio',
      columns,
      properties: { max_filter_ratio: '0.5', ...TOLERANT },
    });
    await loadCase.send(['{"id":1}', 'bad', 'bad', '{"id":3}', 'bad']);
    await loadCase.start();
    const paused = await loadCase.untilState('PAUSED');
    assert.match(
      paused['ReasonOfStateChanged'] ?? '',
      /^ErrorReason\{errCode = 102, msg='too many filtered rows: 3 of 5, max_filter_ratio is 0.5\. Error: Failed to parse .* Row: bad/,
    );
    assert.equal(paused['Progress'], '{"0":"OFFSET_ZERO"}');
    assert.deepEqual(await loadCase.rows(), []);
    const statistic = JSON.parse(paused['Statistic'] ?? '') as Record<string, number>;
    assert.deepEqual([statistic['committedTaskNum'], statistic['abortedTaskNum']], [0, 1]);

    await server.sql('ALTER ROUTINE LOAD FOR bad.ratio PROPERTIES ("max_filter_ratio" = "1")');
    await loadCase.command('RESUME');
    await loadCase.untilConsumed();
    assert.deepEqual(
      (await loadCase.rows('id')).map((row) => row[0]),
      ['1', '3'],
    );
    assert.equal((await loadCase.rejected()).length, 3);
  });

  test('pause_on_fatal_parse_error: PAUSED in front of the batch; ErrorLogUrls show what was rejected later', async () => {
    const loadCase = await prepare({
      name: 'fatal',
      columns,
      properties: { pause_on_fatal_parse_error: 'true', ...TOLERANT },
    });
    await loadCase.send(['{"id":1}', '{"id":', '{"id":"x"}']);
    await loadCase.start();
    const paused = await loadCase.untilState('PAUSED');
    assert.match(
      paused['ReasonOfStateChanged'] ?? '',
      /^ErrorReason\{errCode = 5611, msg='Data parse error, 1 messages: Error: Failed to parse .* Row: \{"id": /,
    );
    assert.equal(paused['Progress'], '{"0":"OFFSET_ZERO"}');
    assert.equal(paused['ErrorLogUrls'], '');
    assert.deepEqual(await loadCase.rows(), []);
    assert.match(
      await errorOf(
        server,
        'ALTER ROUTINE LOAD FOR bad.fatal PROPERTIES ("skip_on_fatal_parse_error" = "true")',
      ),
      /can not both be true/,
    );
    await server.sql(
      'ALTER ROUTINE LOAD FOR bad.fatal PROPERTIES ("pause_on_fatal_parse_error" = "false")',
    );
    await loadCase.command('RESUME');
    await loadCase.untilConsumed();
    assert.deepEqual(await loadCase.rows('id'), [['1']]);

    const link = (await loadCase.show())['ErrorLogUrls'] ?? '';
    assert.match(
      link,
      /^http:\/\/127\.0\.0\.1:\d+\/api\/_load_error_log\?file=error_log_job_[0-9a-f]+_[0-9a-f]{32}$/,
    );
    const answer = await fetch(link);
    assert.equal(answer.status, 200);
    const lines = (await answer.text()).trimEnd().split('\n').sort();
    assert.equal(lines.length, 2);
    assert.match(lines[0] ?? '', /^Error: Failed to parse the message as JSON\. Row: \{"_raw": "/);
    assert.match(
      lines[1] ?? '',
      /^Error: NULL value in non-nullable column 'id'.*Row: \{"id": "x"\}$/,
    );
    const guessed = link.replace(/[0-9a-f]{32}$/, '0'.repeat(32));
    const refused = await fetch(guessed);
    assert.equal(refused.status, 404);
    assert.match(await refused.text(), /no such error log/);
  });

  test('a name can be used again after STOP; STOP is final', async () => {
    const loadCase = await prepare({ name: 'stopped', columns });
    await loadCase.start();
    await loadCase.send(['{"id":1}']);
    await loadCase.untilConsumed();
    await loadCase.command('STOP');
    assert.match(
      await errorOf(server, 'RESUME ROUTINE LOAD FOR bad.stopped'),
      /Could not transform STOPPED/,
    );
    assert.match(
      await errorOf(server, 'SHOW ROUTINE LOAD FOR bad.stopped'),
      /no running job named stopped/,
    );
    await loadCase.start();
    await server.until('SELECT count(*) FROM bad.stopped', (value) => value === '2');
    assert.equal((await loadCase.show())['State'], 'RUNNING');
  });

  test('DROP TABLE and DROP DATABASE cancel running jobs with a reason; others go on', async () => {
    const kept = await prepare({ name: 'kept', columns });
    await kept.start();
    const dropped = await prepare({ name: 'dropped', columns });
    await dropped.start();
    await dropped.send(['{"id":1}']);
    await dropped.untilConsumed();
    await server.sql('DROP TABLE bad.dropped');
    const cancelled = await dropped.show();
    assert.equal(cancelled['State'], 'CANCELLED');
    assert.equal(
      cancelled['ReasonOfStateChanged'],
      "ErrorReason{errCode = 6, msg='table not exist'}",
    );
    assert.notEqual(cancelled['EndTime'], 'NULL');

    await admin.createTopic('gone', 1);
    await server.sql('CREATE DATABASE gone');
    await server.sql('CREATE TABLE gone.t (id INT)');
    await server.sql(
      `CREATE ROUTINE LOAD gone.j ON t PROPERTIES ("format" = "json") FROM KAFKA ("kafka_broker_list" = "${server.bootstrap}", "kafka_topic" = "gone")`,
    );
    await server.sql('DROP DATABASE gone');
    const { rows } = await server.sql(
      "SELECT STATE, REASONS_OF_STATE_CHANGED FROM information_schema.routine_load_jobs WHERE NAME = 'j'",
    );
    assert.equal(rows[0]?.[0], 'CANCELLED');
    assert.match(rows[0]?.[1] ?? '', /errCode = 5/);

    await dropped.send(['{"id":2}']);
    await kept.send(['{"id":3}']);
    await kept.untilConsumed();
    assert.deepEqual(await kept.rows('id'), [['3']]);
    // The same name again: an empty table, not the old rows.
    await server.sql(`CREATE TABLE bad.dropped (${columns})`);
    assert.deepEqual(await dropped.rows(), []);
  });

  test('PAUSE keeps the position; what came meanwhile is loaded after RESUME, once', async () => {
    const loadCase = await prepare({ name: 'paused', columns, partitions: 2 });
    await loadCase.start();
    await loadCase.send(['{"id":1}']);
    await loadCase.untilConsumed();
    await loadCase.command('PAUSE');
    const paused = await loadCase.show();
    assert.deepEqual([paused['State'], paused['CurrentTaskNum']], ['PAUSED', '0']);
    assert.notEqual(paused['PauseTime'], 'NULL');
    await loadCase.send(['{"id":2}']);
    await admin.send([{ topic: 'paused', partition: 1, value: Buffer.from('{"id":3}') }]);
    await loadCase.command('RESUME');
    await server.until('SELECT count(*) FROM bad.paused', (value) => value === '3');
    assert.equal((await loadCase.show())['PauseTime'], 'NULL');
    const { loaded, consumed } = await loadCase.ledger();
    assert.deepEqual([loaded, consumed], [3, 3]);
  });
});
