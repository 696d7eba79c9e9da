// The clients of the bench of small INSERTs, in a process of their own: many connections, each sends one INSERT of a
// single row after the other. Speaks the protocol by hand, so that little of the machine's time is the clients'.
// Arguments: port, connections, milliseconds, first id, what to SET at first. Prints one JSON object.
import { systemClock } from '../src/base/clock.ts';
import { RawClient } from '../test/support/mysql-raw.ts';

const COM_QUERY = 3;
const ERR = 0xff;

const [port, connections, forMs, firstId, setting] = process.argv.slice(2);
const endMs = systemClock.monotonicMs() + Number(forMs);
const tookMs: number[] = [];
let nextId = Number(firstId);

async function ask(client: RawClient, sql: string): Promise<void> {
  client.command(COM_QUERY, sql);
  const answer = await client.read();
  if (answer === null || answer[0] === ERR) {
    throw new Error(`${sql}: ${answer?.toString('utf8') ?? 'the connection ended'}`);
  }
}

async function work(): Promise<void> {
  const client = await RawClient.loggedIn(Number(port));
  if (setting !== undefined && setting !== '') await ask(client, setting);
  for (;;) {
    const startMs = systemClock.monotonicMs();
    if (startMs >= endMs) break;
    const id = nextId;
    nextId += 1;
    await ask(
      client,
      `INSERT INTO bench.one VALUES (${id}, 'https://site.test/p/${id}', ${id % 97}.5)`,
    );
    tookMs.push(systemClock.monotonicMs() - startMs);
  }
  client.destroy();
}

await Promise.all(Array.from({ length: Number(connections) }, work));
const { user, system } = process.cpuUsage();
console.log(JSON.stringify({ tookMs, cpuSeconds: (user + system) / 1e6 }));
