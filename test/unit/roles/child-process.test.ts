// Supervision of child processes with a small program in place of a role: restart with back-off, a
// failing start, waiting callers, and an end that leaves no timer and no process behind.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../../src/base/clock.ts';
import { AppError } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { SupervisedChild } from '../../../src/roles/child-process.ts';

interface EchoApi {
  ping: { params: Record<string, never>; result: { readonly rssBytes: number } };
}
interface Nothing {
  none: { params: null; result: null };
}

const source = (path: string): string => new URL(`../../../src/${path}`, import.meta.url).href;
const PROGRAM = `
import { systemClock } from ${JSON.stringify(source('base/clock.ts'))};
import { connectToParent } from ${JSON.stringify(source('roles/child-process.ts'))};
const peer = connectToParent(
  { ping: async () => ({ rssBytes: process.pid }) },
  { clock: systemClock, rpcTimeoutMs: 2000 },
);
await peer.closed;
process.exit(0);
`;

function child(
  context: TestContext,
  options: { onStart?: () => Promise<void>; program?: string; onRestart?: () => void } = {},
): SupervisedChild<Nothing, EchoApi> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-child-'));
  const program = join(directory, 'child.ts');
  writeFileSync(program, options.program ?? PROGRAM);
  const made = new SupervisedChild<Nothing, EchoApi>({
    settings: {
      role: 'query',
      dataDir: directory,
      logLevel: 'info',
      logFile: null,
      failpoints: '',
      rpcTimeoutMs: 2000,
      memoryLimitBytes: 1,
      cacheMaxBytes: 1,
      lookUpCacheBytes: 0,
      keyIndex: { maxBytes: 0, memoryBytes: 0, minRows: 0 },
      bindHost: '127.0.0.1',
      incarnation: 'x',
    },
    handlers: { none: async () => null },
    clock: systemClock,
    log: silentLog,
    program,
    onStart: options.onStart ?? (async () => undefined),
    onRestart: options.onRestart ?? (() => undefined),
  });
  context.after(async () => {
    await made.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  return made;
}

const pidOf = async (one: SupervisedChild<Nothing, EchoApi>): Promise<number> =>
  (await (await one.peer(5_000)).call('ping', {})).rssBytes;

test('a killed child is started again and callers wait for it', async (context) => {
  const one = child(context);
  await one.start();
  const first = await pidOf(one);
  const peer = await one.peer();
  process.kill(first, 'SIGKILL');
  await peer.closed;
  const second = await pidOf(one);
  assert.notEqual(second, first);
  assert.equal(one.pid, second);
});

test('onStart that fails at a restart brings the next restart, not the end', async (context) => {
  let starts = 0;
  const one = child(context, {
    onStart: async () => {
      starts += 1;
      if (starts === 2) throw new Error('the port is taken for a moment');
    },
  });
  await one.start();
  const first = await pidOf(one);
  process.kill(first, 'SIGKILL');
  await (await one.peer()).closed;
  while (starts < 3) await systemClock.sleep(20);
  assert.notEqual(await pidOf(one), first);
});

test('a first start that fails is told to the caller', async (context) => {
  const one = child(context, {
    onStart: async () => {
      throw new Error('no');
    },
  });
  await assert.rejects(one.start(), /no/);
});

test('stop while it waits to be started again: at once, and nothing starts any more', async (context) => {
  let restarts = 0;
  const one = child(context, {
    program: 'process.exit(3);',
    onRestart: () => {
      restarts += 1;
    },
  });
  await one.start();
  while (restarts < 3) await systemClock.sleep(10);
  const startedMs = performance.now();
  const waiting = one.peer(60_000);
  waiting.catch(() => undefined);
  await one.stop();
  assert.ok(performance.now() - startedMs < 2_000);
  await assert.rejects(
    waiting,
    (error: unknown) => error instanceof AppError && error.code === 'PEER_GONE',
  );
  const after = restarts;
  await systemClock.sleep(500);
  assert.equal(restarts, after);
  await assert.rejects(one.peer(60_000), /not reachable/);
});

test('a child that does not end by itself is killed', async (context) => {
  const one = child(context, { program: 'setInterval(() => undefined, 1000);' });
  await one.start();
  const { pid } = one;
  await one.stop(200);
  assert.throws(() => process.kill(pid ?? 0, 0), /ESRCH/);
});
