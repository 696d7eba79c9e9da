// The documents do what they say: runs README's and the guides' blocks against a started server, page by
// page, from top to bottom. Which blocks: `sql run` and `sh run` are run, `json topic=x` and `csv topic=x`
// are produced to topic x, `text shows` is what the last statement before it must come to show.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { printRows } from '../../src/cli/print-rows.ts';
import { openDemoProducer } from '../../src/kafka/client/admin.ts';
import { splitStatements } from '../../src/sql/parse.ts';
import { startServer, type TestServer, type TextRows } from '../support/start-server.ts';

const PAGES = ['README.md', ...globSync('docs/guide/*.md').sort()];
const EVERY_PAGE = [
  ...globSync('*.md'),
  ...globSync('docs/{guide,internals,adr}/*.md'),
  ...globSync('examples/**/*.md'),
].sort();
/** How long an output may take to come: a load takes about a second. */
const SHOWS_WITHIN_MS = 10_000;

interface Block {
  readonly line: number;
  /** `sql run`, `json topic=orders`, ... */
  readonly info: string;
  readonly text: string;
}

function blocksOf(page: string): readonly Block[] {
  const source = readFileSync(page, 'utf8');
  return [...source.matchAll(/^```(.+)\n([\s\S]*?)^```$/gm)].map((match) => ({
    line: source.slice(0, match.index).split('\n').length,
    info: match[1] ?? '',
    text: match[2] ?? '',
  }));
}

let server: TestServer;
before(async () => {
  server = await startServer({ args: ['--demo'] });
  const deadline = Date.now() + 20_000;
  // The demo makes its table after the ready line.
  while ((await clicks()) === 0) {
    assert.ok(Date.now() < deadline, `the demo loads nothing\n${server.logTail}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});
after(async () => {
  assert.equal(await server.stop(), 0);
});

async function clicks(): Promise<number> {
  const tables = await server.value(
    "SELECT count(*) FROM information_schema.tables WHERE TABLE_SCHEMA = 'quickstart'",
  );
  if (tables !== '1') return 0;
  return Number(await server.value('SELECT count(*) FROM quickstart.site_clicks'));
}

/** The text with the ports of this server in place of the default ones. */
function withPorts(text: string): string {
  const { queryPort, httpPort, cnHttpPort, brokerPort } = server.ready;
  return text
    .replaceAll(/\b9030\b/g, String(queryPort))
    .replaceAll(/\b8030\b/g, String(httpPort))
    .replaceAll(/\b8040\b/g, String(cnHttpPort))
    .replaceAll(/\b9092\b/g, String(brokerPort));
}

async function runSql(text: string): Promise<string> {
  let last = '';
  for (const { text: statement } of splitStatements(withPorts(text))) {
    await server.sql(statement);
    last = statement;
  }
  return last;
}

function runShell(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-ec', withPorts(text)], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (data) => {
      output += data;
    });
    child.stderr.on('data', (data) => {
      output += data;
    });
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0 && output !== '' ? resolve() : reject(new Error(`exit code ${code}\n${output}`)),
    );
  });
}

async function produce(topic: string, text: string): Promise<void> {
  const producer = await openDemoProducer({ bootstrap: server.bootstrap, clientId: 'docs' });
  await producer.createTopic(topic, 1);
  const lines = text.split('\n').filter((line) => line !== '');
  await producer.send(
    topic,
    0,
    lines.map((line) => Buffer.from(line)),
  );
  await producer.close();
}

/** Cells without the padding around them, which differs between clients. */
function cellsOf(printed: string): string[][] {
  return printed
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
}

const printed = (rows: TextRows): string[][] => cellsOf(printRows(rows, 'table'));

async function shows(statement: string, expected: string): Promise<void> {
  const wanted = cellsOf(expected);
  assert.ok(wanted.length > 1, 'a table with at least one row is shown');
  const deadline = Date.now() + SHOWS_WITHIN_MS;
  for (;;) {
    const found = printed(await server.sql(statement));
    if (JSON.stringify(found) === JSON.stringify(wanted)) return;
    if (Date.now() > deadline) {
      // Not SHOW ... FROM: an error about a database would hide the difference.
      const jobs = await server.sql('SELECT * FROM information_schema.routine_load_jobs');
      assert.deepEqual(found, wanted, `${statement}\n${JSON.stringify(jobs.rows)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

for (const page of PAGES) {
  test(`${page} does what it says`, async () => {
    let last = '';
    for (const { info, text, line } of blocksOf(page)) {
      const [language, what = ''] = info.split(' ');
      const topic = /^topic=(.+)$/.exec(what)?.[1];
      try {
        if (topic !== undefined) await produce(topic, text);
        else if (info === 'sql run') last = await runSql(text);
        else if (info === 'sh run') await runShell(text);
        else if (info === 'text shows') await shows(last, text);
        else assert.equal(what, '', `block '${language} ${what}' is not known`);
      } catch (error) {
        throw new Error(`${page}:${line}: ${String(error)}`, { cause: error });
      }
    }
  });
}

test('addresses of the HTTP server that the documents name answer', async () => {
  const named = PAGES.flatMap((page) => [
    // Those that are whole, and answer a GET.
    ...readFileSync(page, 'utf8').matchAll(
      /http:\/\/127\.0\.0\.1:8030(?!\/api\/transaction)[\w/]+(?![\w/{])/g,
    ),
  ])
    .map(([address]) => address)
    // Those of loads are asked in the blocks of their page.
    .filter((address) => !/_stream_load$|get_load_state$/.test(address));
  assert.ok(named.length > 0);
  for (const address of new Set(named)) {
    const response = await fetch(withPorts(address));
    assert.equal(response.status, 200, address);
    await response.text();
  }
});

test('links between documents and the files they name exist', () => {
  const missing = EVERY_PAGE.flatMap((page) => {
    const source = readFileSync(page, 'utf8');
    const links = [...source.matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)].map((match) =>
      join(dirname(page), match[1] ?? ''),
    );
    const files = [
      ...source.matchAll(/`((?:src|test|docs|bench|scripts|examples)\/[\w./-]+)`/g),
    ].map((match) => match[1] ?? '');
    return [...links, ...files]
      .filter((path) => !existsSync(path))
      .map((path) => `${page}: ${path}`);
  });
  assert.deepEqual(missing, []);
});

test('npm scripts that the documents name exist', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    scripts: Record<string, string>;
  };
  const unknown = EVERY_PAGE.flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(/npm run (?:-s |--silent )?([\w:]+)/g)]
      .map((match) => match[1] ?? '')
      .filter((name) => scripts[name] === undefined)
      .map((name) => `${page}: npm run ${name}`),
  );
  assert.deepEqual(unknown, []);
});
