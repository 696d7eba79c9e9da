// Stream Load by curl, as StarRocks' documents show it: --location-trusted, -T, Expect: 100-continue, labels,
// redirects to the compute node and straight to it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { debianProgram, run } from '../peers/processes.ts';
import { startServer, type TestServer } from '../support/start-server.ts';

let server: TestServer;
let program: string;

before(async () => {
  program = await debianProgram('curl', 'curl');
  server = await startServer({ broker: 'off' });
  await server.sql("CREATE USER loader IDENTIFIED BY 'secret'");
  await server.sql('CREATE DATABASE d');
  await server.sql('CREATE TABLE d.t (id INT, name VARCHAR(50), score INT)');
  await server.sql('GRANT INSERT ON ALL TABLES IN DATABASE d TO USER loader');
});
after(() => server.stop());

interface Answer {
  readonly code: string;
  readonly json: Readonly<Record<string, unknown>>;
  readonly verbose: string;
}

async function curl(
  body: string,
  headers: readonly string[],
  options: readonly string[] = [],
  login = 'loader:secret',
): Promise<Answer> {
  const url = `http://127.0.0.1:${server.ready.httpPort}/api/d/t/_stream_load`;
  const result = await run(
    program,
    [
      ...['-sv', '--location-trusted', '-u', login, '-w', '\n%{http_code}', '-T', '-', '-XPUT'],
      ...headers.flatMap((header) => ['-H', header]),
      ...options,
      url,
    ],
    { input: body },
  );
  assert.equal(result.code, 0, result.stderr);
  const at = result.stdout.lastIndexOf('\n');
  const text = result.stdout.slice(0, at);
  const json = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {};
  return { code: result.stdout.slice(at + 1), json, verbose: result.stderr };
}

const EXPECT = 'Expect:100-continue';

test('CSV and JSON, whole and chunked, redirected and not', async () => {
  const csv = await curl('1,Lily,23\n2,Rose,23\n', [
    EXPECT,
    'label:curl_1',
    'column_separator:,',
    'columns: id, name, score',
  ]);
  assert.equal(csv.code, '200');
  assert.deepEqual(
    [csv.json['Status'], csv.json['NumberLoadedRows'], csv.json['Label']],
    ['Success', 2, 'curl_1'],
  );
  assert.match(csv.verbose, /HTTP\/1\.1 100 Continue/);
  const json = await curl('{"name": "Beijing", "code": 2}', [
    EXPECT,
    'format: json',
    'jsonpaths: ["$.name", "$.code"]',
    'columns: name, id, score = id * 10',
  ]);
  assert.equal(json.json['Status'], 'Success', JSON.stringify(json.json));
  const redirected = await curl('4,Julia,25\n', [EXPECT, 'column_separator:,', 'redirect: true']);
  assert.equal(redirected.json['Status'], 'Success', JSON.stringify(redirected.json));
  assert.match(redirected.verbose, /307 Temporary Redirect/);
  const { rows } = await server.sql('SELECT * FROM d.t ORDER BY id, name');
  assert.deepEqual(rows, [
    ['1', 'Lily', '23'],
    ['2', 'Beijing', '20'],
    ['2', 'Rose', '23'],
    ['4', 'Julia', '25'],
  ]);
});

test('a refused load: 401 without a body sent, and the label again', async () => {
  const wrong = await curl('9,x,9\n', [EXPECT], [], 'loader:wrong');
  assert.equal(wrong.code, '401');
  assert.ok(!/HTTP\/1\.1 100 Continue/.test(wrong.verbose), wrong.verbose);
  const again = await curl('1,Lily,23\n', [EXPECT, 'label:curl_1', 'column_separator:,']);
  assert.deepEqual(
    [again.code, again.json['Status'], again.json['ExistingJobStatus']],
    ['200', 'Label Already Exists', 'FINISHED'],
  );
  assert.equal(await server.value('SELECT count(*) FROM d.t WHERE id = 9'), '0');
});
