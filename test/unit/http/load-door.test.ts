// Why a load ends whose client goes away: at each of its steps, over a real socket, with a front end that is none.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../../src/base/clock.ts';
import { toAppError } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { type LoadDoorServices, startLoadDoor } from '../../../src/http/load-door.ts';
import type { AcceptedLoad } from '../../../src/model/body-load.ts';

const unused = async (): Promise<never> => assert.fail('not asked for');
const HEAD = 'PUT /api/d/t/_stream_load HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n';

async function openDoor(t: TestContext, services: Partial<LoadDoorServices>): Promise<number> {
  const door = await startLoadDoor({
    host: '127.0.0.1',
    port: 0,
    forwardToken: 'x',
    maxLoads: 4,
    clock: systemClock,
    log: silentLog,
    services: {
      begin: async () => ({ kind: 'load', load: LOAD }),
      run: unused,
      merge: unused,
      ofLabel: unused,
      ofTransaction: unused,
      errorLog: unused,
      refusal: () => ({ status: 200, body: '' }),
      ...services,
    },
  });
  t.after(() => door.close());
  return door.port;
}

const LOAD = { begun: { transactionId: 1 } } as AcceptedLoad;

/** Sends the text, and goes when it is told to, for good: one that only ends its side may wait for the answer. */
async function clientThatGoes(port: number, text: string, when: Promise<unknown>): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.write(text);
  await when;
  socket.resetAndDestroy();
}

/** Why the signal aborts, as the reason of a transaction. */
async function reasonOf(signal: AbortSignal): Promise<string> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
  return toAppError(signal.reason).fullMessage;
}

test('while its load is begun, and while its whole body is loaded', async (t) => {
  for (const step of ['begin', 'run'] as const) {
    const under = Promise.withResolvers<void>();
    const told = Promise.withResolvers<string>();
    const never = async (signal: AbortSignal): Promise<never> => {
      under.resolve();
      told.resolve(await reasonOf(signal));
      throw signal.reason;
    };
    const port = await openDoor(t, {
      ...(step === 'begin' ? { begin: (_head, signal) => never(signal) } : {}),
      run: async (_load, body, signal) => {
        for await (const _piece of body);
        return await never(signal);
      },
    });
    await clientThatGoes(port, `${HEAD}\r\n1,x\n`, under.promise);
    assert.equal(await told.promise, 'the client closed the connection', step);
  }
});

test('in the middle of its body, in the words of StarRocks', async (t) => {
  const under = Promise.withResolvers<void>();
  const told = Promise.withResolvers<string>();
  const port = await openDoor(t, {
    run: async (_load, body, signal) => {
      try {
        for await (const _piece of body) under.resolve();
      } catch (thrown) {
        told.resolve(toAppError(thrown).fullMessage);
      }
      throw signal.reason;
    },
  });
  await clientThatGoes(port, `${HEAD}\r\n1,`, under.promise);
  assert.equal(await told.promise, "receive body don't equal with body bytes");
});

test('while it waits for those that it is merged with', async (t) => {
  const under = Promise.withResolvers<void>();
  const told = Promise.withResolvers<string>();
  const port = await openDoor(t, {
    merge: async (_head, accept, gone) => {
      for await (const _piece of accept());
      under.resolve();
      told.resolve(await reasonOf(gone));
      throw gone.reason;
    },
  });
  await clientThatGoes(port, `${HEAD}enable_merge_commit: true\r\n\r\n1,x\n`, under.promise);
  assert.equal(await told.promise, 'the client closed the connection');
});
