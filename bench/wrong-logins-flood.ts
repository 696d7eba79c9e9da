// The guessing side of the bench of wrong passwords, in a thread of its own: what it computes does not delay the
// log-ins that are measured beside it.
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../src/base/clock.ts';
import { floodLogins } from '../test/support/login-flood.ts';

const { port, connections, forMs } = workerData as {
  readonly port: number;
  readonly connections: number;
  readonly forMs: number;
};
const endMs = systemClock.monotonicMs() + forMs;
const flood = { port, connections, isOver: () => systemClock.monotonicMs() >= endMs };
const [one, many] = await Promise.all([
  floodLogins({ ...flood, user: () => 'victim' }),
  floodLogins({ ...flood, user: (attempt) => `nobody${attempt}` }),
]);
parentPort?.postMessage({ one, many });
