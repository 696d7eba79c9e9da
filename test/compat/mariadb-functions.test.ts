// Functions, operators and casts that MySQL and StarRocks share, against a real MariaDB server: generated
// calls over values of every type, over the wire, answers compared as texts. What differs must stand in the
// table of differences with its reason. ORACLE_SEED=n and ORACLE_ROWS=n make other runs.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { startMariadb } from '../peers/mariadb.ts';
import { CASES, type OracleCase, ZONE_CASES, ZONES } from '../support/oracle/cases.ts';
import {
  type Ask,
  type Compared,
  compareCase,
  compareOne,
  type Sides,
} from '../support/oracle/compare.ts';
import { DIFFERENCES, type Difference } from '../support/oracle/differences.ts';
import { Draws } from '../support/oracle/values.ts';
import { startServer } from '../support/start-server.ts';

const DEFAULT_SEED = 20_261_128;
const DEFAULT_ROWS = 18;
const SHOWN = 40;

const seed = Number(process.env['ORACLE_SEED'] ?? DEFAULT_SEED);
/** Rows of values per case: each is asked twice. */
const rows = Number(process.env['ORACLE_ROWS'] ?? DEFAULT_ROWS);

const mariadb = await startMariadb();
const server = await startServer({ broker: 'off' });
const connections = [await server.connect(), await mariadb.connect()] as const;
after(async () => {
  for (const connection of connections) connection.destroy();
  await mariadb.close();
  await server.stop();
});

const sides: Sides = { millrace: asking(connections[0]), mariadb: asking(connections[1]) };

function asking(connection: Connection): Ask {
  return async (sql) => {
    const [found] = await connection.query({ sql, rowsAsArray: true });
    return found as unknown as (string | null)[][];
  };
}

function explanation(found: Compared): Difference | undefined {
  return DIFFERENCES.find(
    (difference) => difference.name === found.name && difference.explains(found),
  );
}

/** What is neither MariaDB's answer nor a known difference, and how many answers there were. */
async function wrongAnswers(
  cases: readonly OracleCase[],
  draws: Draws,
): Promise<{ readonly compared: number; readonly wrong: readonly string[] }> {
  const wrong: string[] = [];
  let compared = 0;
  for (const item of cases) {
    const answers = await compareCase(item, sides, draws, rows);
    compared += answers.length;
    for (const answer of answers) {
      if (!answer.equal && explanation(answer) === undefined) wrong.push(shown(answer));
    }
  }
  return { compared, wrong };
}

test("every answer is MariaDB's, or its difference is known", async (t) => {
  const startedMs = performance.now();
  const { compared, wrong } = await wrongAnswers(CASES, new Draws(seed));
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  t.diagnostic(`seed ${seed}: ${compared} answers of ${CASES.length} forms in ${seconds} s`);
  assert.deepEqual(wrong.slice(0, SHOWN), [], `seed ${seed}: ${wrong.length} wrong answers`);
  if (rows >= DEFAULT_ROWS) assert.ok(compared >= 10_000, `${compared} answers`);
});

for (const zone of ZONES) {
  test(`session time zone ${zone}: seconds and clocks as MariaDB has them`, async () => {
    const set = `SET time_zone = '${zone}'`;
    await Promise.all(connections.map((connection) => connection.query(set)));
    try {
      const { wrong } = await wrongAnswers(ZONE_CASES, new Draws(seed));
      assert.deepEqual(wrong.slice(0, SHOWN), [], `seed ${seed}`);
    } finally {
      const utc = "SET time_zone = '+00:00'";
      await Promise.all(connections.map((connection) => connection.query(utc)));
    }
  });
}

for (const difference of DIFFERENCES) {
  const [form, values] = difference.example;
  test(`known: ${difference.name}: ${difference.why}`, async () => {
    const item = CASES.find((candidate) => candidate.millrace === form);
    assert.ok(item !== undefined && item.name === difference.name, `${form} is a case`);
    const found = await compareOne(item, sides, values);
    assert.ok(!found.equal && difference.explains(found), shown(found));
  });
}

function shown(answer: Compared): string {
  return `${answer.form} ${answer.sql} = ${answer.millrace}, MariaDB ${answer.mariadb}`;
}
