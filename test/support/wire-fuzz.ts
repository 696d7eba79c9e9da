// Plays broken input against a real server, and looks after each round: the server lives, other connections
// are answered, no internal error was logged, every broken connection is gone, memory does not grow.
import { systemClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { COMMAND } from '../../src/mysql/constants.ts';
import { framePayload } from '../../src/mysql/packets/framing.ts';
import { RawClient } from './mysql-raw.ts';
import { residentBytes } from './process-tree.ts';
import { startServer, type TestServer } from './start-server.ts';
import { capabilitiesOf, WireCases, type WirePlan } from './wire-cases.ts';

export interface FuzzOptions {
  readonly seed: number;
  readonly cases: number;
  /** Called after each round. */
  readonly onRound?: (report: FuzzReport) => void;
}

export interface FuzzReport {
  readonly cases: number;
  /** Of the FE process, after the first WARM_CASES (or all) and now, in bytes. */
  readonly warmRssBytes: number;
  readonly rssBytes: number;
}

const PARALLEL = 16;
const ROUND_PLANS = 400;
/** Until then code is compiled, and buffers and the heap take their sizes. */
const WARM_CASES = 20_000;
/** How long a connection that was told to quit may take to close; then it is cut: it waits for bytes. */
const QUIT_MS = 60;
const ANSWER_MS = 10_000;
/** Messages of the server that mean a fault of its own. */
const FAULTS = ['mysql command failed', 'mysql connection failed', 'uncaught', 'Unhandled'];

/** Throws with what is wrong and the number of the round. */
export async function fuzzWire(options: FuzzOptions): Promise<FuzzReport> {
  const server = await startServer({ broker: 'off' });
  try {
    return await fuzzServer(server, options);
  } finally {
    await server.stop();
  }
}

async function fuzzServer(
  server: TestServer,
  { seed, cases, onRound }: FuzzOptions,
): Promise<FuzzReport> {
  const generator = new WireCases(seededRandom(seed));
  const witness = await RawClient.loggedIn(server.ready.queryPort);
  let done = 0;
  let warmRssBytes = 0;
  for (let round = 1; done < cases; round += 1) {
    const plans: WirePlan[] = [];
    while (plans.length < ROUND_PLANS && done < cases) {
      const plan = generator.plan();
      plans.push(plan);
      done += plan.sends.length;
    }
    await playAll(server, plans);
    await checkServer(server, witness, round);
    const rssBytes = residentBytes(server.ready.pid);
    if (warmRssBytes === 0 || done <= WARM_CASES) warmRssBytes = rssBytes;
    onRound?.({ cases: done, warmRssBytes, rssBytes });
  }
  witness.destroy();
  return { cases: done, warmRssBytes, rssBytes: residentBytes(server.ready.pid) };
}

async function playAll(server: TestServer, plans: readonly WirePlan[]): Promise<void> {
  const left = [...plans];
  const worker = async (): Promise<void> => {
    for (let plan = left.pop(); plan !== undefined; plan = left.pop()) await play(server, plan);
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}

async function play(server: TestServer, plan: WirePlan): Promise<void> {
  const port = server.ready.queryPort;
  const client =
    plan.start === 'greeted'
      ? await RawClient.greeted(port)
      : await RawClient.loggedIn(port, { capabilities: capabilitiesOf(plan.start) });
  for (const send of plan.sends) {
    const bytes =
      send.kind === 'bytes'
        ? send.bytes
        : framed(send.breakIt(client.login({ capabilities: send.capabilities })));
    if (client.socket.writable) client.socket.write(bytes);
  }
  if (plan.end === 'quit') client.command(COMMAND.quit);
  if (plan.end === 'half-close') client.socket.end();
  if (plan.end !== 'destroy') {
    const cut = systemClock.after(QUIT_MS, () => client.destroy());
    await client.closed();
    cut.cancel();
  }
  client.destroy();
}

function framed(payload: Buffer): Buffer {
  return Buffer.concat(framePayload(payload, 1).parts);
}

/** The connection that was there all the time, and a new one, are answered; nobody else is left. */
async function checkServer(server: TestServer, witness: RawClient, round: number): Promise<void> {
  const late = systemClock.after(ANSWER_MS, () => witness.destroy());
  const wrong = (what: string): Error => new Error(`round ${round}: ${what}\n${server.logTail}`);
  try {
    witness.command(COMMAND.ping);
    const answer = await witness.read();
    if (answer?.[0] !== 0) throw wrong('the connection beside is not answered');
    const fresh = await RawClient.loggedIn(server.ready.queryPort);
    fresh.destroy();
  } finally {
    late.cancel();
  }
  const count = await server
    .until('SELECT count(*) FROM information_schema.processlist', (text) => Number(text) <= 2)
    .catch(() => 'too many');
  if (Number(count) > 2) throw wrong(`${count} connections are left`);
  for (const fault of FAULTS) if (server.hasLogged(fault)) throw wrong(`the log says '${fault}'`);
}
