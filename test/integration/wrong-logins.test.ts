// Wrong passwords in a loop, over the wire: guesses at one user mostly go unheard, names that do not exist look the
// same, and another user comes in meanwhile. `npm run bench -- wrong-logins` does it for a minute, with figures.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { floodLogins, loginMs } from '../support/login-flood.ts';
import { startServer } from '../support/start-server.ts';

test('guesses at one user go unheard, others come in, and so does the user afterwards', async (context) => {
  const server = await startServer({ broker: 'off' });
  context.after(() => server.stop());
  await server.sql("CREATE USER victim IDENTIFIED BY 'right'");
  await server.sql("CREATE USER other IDENTIFIED BY 'right too'");
  const port = server.ready.queryPort;
  let isOver = false;
  const flood = { port, connections: 8, isOver: () => isOver };
  const floods = Promise.all([
    floodLogins({ ...flood, user: () => 'victim' }),
    floodLogins({ ...flood, user: () => 'nobody' }),
    floodLogins({ ...flood, user: (attempt) => `nobody${attempt}` }),
  ]);
  for (let i = 0; i < 20; i += 1) await loginMs(port, 'other', 'right too');
  isOver = true;
  const [victim, nobody, newNames] = await floods;
  for (const counts of [victim, nobody]) {
    // 3 are free, those begun beside them are heard, too, and 4 may wait.
    assert.ok(counts.wrong <= 20, `${counts.wrong} guesses were heard`);
    assert.ok(counts.unheard > 0, 'nobody was refused unheard');
  }
  assert.equal(newNames.unheard, 0);
  assert.ok(newNames.wrong > 0);
  await loginMs(port, 'victim', 'right');
});
