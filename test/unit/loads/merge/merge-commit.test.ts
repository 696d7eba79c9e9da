// Which requests become one load, when it goes, and what each is told; that what waits is bounded and given back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail } from '../../../../src/base/errors.ts';
import { asId, type TransactionId, type VolumeId } from '../../../../src/base/ids.ts';
import { type Deferred, deferred } from '../../../../src/base/queue.ts';
import { systemRandom } from '../../../../src/base/random.ts';
import {
  MERGE_LIMITS,
  MergeCommits,
  type MergeLimits,
  type MergeServices,
} from '../../../../src/loads/merge/merge-commit.ts';
import { refused } from '../../../../src/loads/stream/answer.ts';
import type {
  AcceptedLoad,
  BodyLoadBegin,
  BodyLoadHead,
  HttpAnswer,
  LoadEnd,
  MergeAdmission,
  MergeRules,
} from '../../../../src/model/body-load.ts';
import type { BodyLoadPlan } from '../../../../src/model/load-plan.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const RULES: MergeRules = {
  intervalMs: 100,
  isAsync: false,
  timeoutMs: 10_000,
  idleTimeoutMs: 1000,
  compression: 'none',
  rowDelimiter: '\n',
};

class World implements MergeServices {
  readonly clock = new ManualClock();
  readonly begun: BodyLoadHead[] = [];
  readonly loads: { readonly text: string; readonly end: Deferred<HttpAnswer> }[] = [];
  holdBegin: Deferred<void> | null = null;
  refusal: HttpAnswer | null = null;
  readonly merges: MergeCommits;
  readonly rules: Partial<MergeRules>;

  constructor(rules: Partial<MergeRules> = {}, limits: Partial<MergeLimits> = {}) {
    this.rules = rules;
    this.merges = new MergeCommits({
      services: this,
      clock: this.clock,
      random: systemRandom,
      limits: { ...MERGE_LIMITS, ...limits },
    });
  }

  async admit({ headers }: BodyLoadHead): Promise<MergeAdmission> {
    const isAsync = headers['merge_commit_async'] === 'true';
    return { kind: 'merge', rules: { ...RULES, isAsync, ...this.rules } };
  }

  async begin(head: BodyLoadHead, signal: AbortSignal): Promise<BodyLoadBegin> {
    this.begun.push(head);
    await this.holdBegin?.promise;
    signal.throwIfAborted();
    if (this.refusal !== null) return { kind: 'answer', answer: this.refusal };
    const transactionId = asId<TransactionId>(this.begun.length);
    const label = head.headers['label'] ?? '';
    const begun = { transactionId, label, volumeId: asId<VolumeId>(1) };
    return { kind: 'load', load: { plan: {} as BodyLoadPlan, begun, timeoutMs: 1000 } };
  }

  async run(
    { begun }: AcceptedLoad,
    body: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    let text = '';
    for await (const piece of body) text += Buffer.from(piece).toString();
    const end = deferred<HttpAnswer>();
    const { transactionId, label } = begun;
    if (signal.aborted) {
      const told = { transactionId, label, status: 'Fail', message: 'cancelled' } as const;
      return { status: 200, body: '', end: told };
    }
    this.loads.push({ text, end });
    return await end.promise;
  }

  /** Sends a request; what it is told, once it is. */
  send(body: string | readonly string[], headers: Record<string, string> = {}, more = {}) {
    const head = {
      database: 'd',
      table: 't',
      headers,
      repeated: [],
      login: { user: 'root', password: '' },
      clientAddress: '',
      ...more,
    };
    const accept = async function* (): AsyncGenerator<Uint8Array> {
      for (const piece of typeof body === 'string' ? [body] : body) yield Buffer.from(piece);
    };
    const { signal } = new AbortController();
    return this.merges
      .handle(head, accept, signal)
      .then((answer) => JSON.parse(answer.body) as Record<string, unknown>);
  }

  /** The oldest load that runs ends. */
  end(status: LoadEnd['status'] = 'Success', message = 'OK'): string {
    const load = this.loads.shift();
    assert(load !== undefined, 'a load runs');
    const told = { transactionId: 7, label: 'l', status, message, errorUrl: 'here' };
    load.end.resolve({ status: 200, body: '', end: told });
    return load.text;
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

test('requests of a window become one load in the order in which they came; each has its own answer', async () => {
  const world = new World();
  const answers = [world.send('1\n', { label: 'mine' })];
  await settle();
  answers.push(world.send(['2', '\n3', '\n']));
  await settle();
  answers.push(world.send('4\n'));
  await settle();
  await world.clock.advance(99);
  await settle();
  assert.equal(world.loads.length, 0, 'the window is open');
  await world.clock.advance(1);
  await settle();
  assert.equal(world.end(), '1\n2\n3\n4\n');
  const [first, second] = await Promise.all(answers);
  assert.equal(world.begun.length, 1);
  assert.match(world.begun[0]?.headers['label'] ?? '', /^merge_commit_/);
  assert.equal(first?.['RequestId'], 'mine');
  assert.deepEqual([first?.['LoadBytes'], second?.['LoadBytes']], [2, 4]);
  assert.deepEqual([first?.['Status'], first?.['TxnId'], first?.['Label']], ['Success', 7, 'l']);
  await settle();
  assert.deepEqual(world.merges.held, { requests: 0, bytes: 0, groups: 0 });
});

test('documents of JSON are put on lines of their own', async () => {
  const world = new World({ rowDelimiter: null });
  void world.send('{"a": 1}');
  void world.send('[2]');
  await settle();
  await world.clock.advance(100);
  await settle();
  assert.equal(world.end(), '{"a": 1}\n[2]\n');
});

test('other headers, users and tables are other loads; labels and what HTTP needs make no difference', async () => {
  const world = new World();
  void world.send('1\n');
  void world.send('2\n', { label: 'x', 'content-length': '2', 'user-agent': 'curl' });
  void world.send('3\n', { where: 'a > 1' });
  void world.send('4\n', {}, { table: 'other' });
  void world.send('5\n', {}, { login: { user: 'other', password: '' } });
  await settle();
  assert.equal(world.begun.length, 4);
});

test('what comes after the window makes the next load, which waits for the one before and takes more meanwhile', async () => {
  const world = new World();
  const first = world.send('1\n');
  await settle();
  await world.clock.advance(100);
  await settle();
  const second = world.send('2\n');
  await settle();
  await world.clock.advance(100);
  await settle();
  assert.equal(world.loads.length, 1, 'in the order in which they were opened');
  const third = world.send('3\n');
  await settle();
  world.end();
  await first;
  await settle();
  assert.equal(world.end(), '2\n3\n');
  await Promise.all([second, third]);
  assert.equal(world.begun.length, 2);
});

test('asynchronous: the answer is there with the bytes', async () => {
  const world = new World();
  const answer = await world.send('1\n', { merge_commit_async: 'true' });
  assert.deepEqual([answer['Status'], answer['TxnId']], ['Success', 1]);
  assert.match(String(answer['Label']), /^merge_commit_/);
  assert.equal(answer['LeftTimeMs'], 100);
  await world.clock.advance(100);
  await settle();
  world.end('Fail', 'whatever');
});

test('a load that fails is told to all that are in it, with the reason; one that could not begin, too', async () => {
  const world = new World();
  const answers = [world.send('1\n'), world.send('2\n')];
  await settle();
  await world.clock.advance(100);
  await settle();
  world.end('Fail', 'too many filtered rows');
  for (const answer of await Promise.all(answers)) {
    assert.equal(answer['Status'], 'Fail');
    assert.equal(answer['Message'], 'Load is aborted, reason: too many filtered rows');
    assert.equal(answer['ErrorURL'], 'here');
  }
  world.refusal = refused('', fail('UNKNOWN_TABLE', { table: 'd.t' }));
  const late = await Promise.all([world.send('1\n'), world.send('2\n')]);
  for (const answer of late) {
    assert.deepEqual([answer['Status'], answer['TxnId']], ['Fail', -1]);
    assert.match(String(answer['Message']), /d\.t/);
  }
  await settle();
  assert.deepEqual(world.merges.held, { requests: 0, bytes: 0, groups: 0 });
});

test('a load of which nothing is heard any more: those in it are told its label, which may tell', async () => {
  const world = new World();
  const answer = world.send('1\n');
  await settle();
  await world.clock.advance(100);
  await settle();
  world.loads.shift()?.end.reject(fail('PEER_GONE', { peer: 'fe' }));
  const { Status, TxnId, Label } = await answer;
  assert.deepEqual([Status, TxnId], ['Fail', 1]);
  assert.match(String(Label), /^merge_commit_/);
});

test('requests and bytes that wait are bounded; what was refused is given back', async () => {
  const world = new World({}, { mostRequests: 2, mostBytes: 10 });
  void world.send('1\n');
  await settle();
  const large = await world.send(['123456', '789\n']);
  assert.match(String(large['Message']), /bytes that wait for merge commit/);
  assert.equal(world.merges.held.bytes, 2);
  void world.send('2\n');
  const third = await world.send('3\n');
  assert.match(String(third['Message']), /requests that wait for merge commit/);
  await settle();
  assert.deepEqual(world.merges.held, { requests: 2, bytes: 4, groups: 1 });
  await world.clock.advance(100);
  await settle();
  assert.equal(world.end(), '1\n2\n');
  await settle();
  assert.deepEqual(world.merges.held, { requests: 0, bytes: 0, groups: 0 });
});

test('a merged body that is full waits for no more', async () => {
  const world = new World({}, { fullRequests: 2 });
  void world.send('1\n');
  void world.send('2\n');
  void world.send('3\n');
  await settle();
  assert.equal(world.end(), '1\n2\n');
  assert.equal(world.begun.length, 2);
});

test('a body that cannot be merged is refused, and is in no load', async () => {
  const world = new World();
  const none = await world.send('');
  assert.equal(none['Message'], 'The data can not be empty');
  const open = await world.send('1\n2');
  assert.match(String(open['Message']), /must end with the row delimiter/);
  assert.equal(world.begun.length, 0);
  const wide = new World({ rowDelimiter: '\r\n' });
  void wide.send(['1\r', '\n']);
  await settle();
  assert.equal(wide.begun.length, 1, 'a delimiter may come in pieces');
});

test('cancelling ends the window at once; close ends everything', async () => {
  const world = new World();
  const one = world.send('1\n');
  await settle();
  assert.equal(world.merges.stop(99), false);
  assert.equal(world.merges.stop(1), true);
  assert.equal((await one)['Message'], 'Load is aborted, reason: cancelled');
  const other = world.send('2\n');
  await settle();
  world.merges.close();
  assert.equal((await other)['Status'], 'Fail');
});

test('who waits for longer than its time is told so; the load goes on', async () => {
  const world = new World({ timeoutMs: 500 });
  const answer = world.send('1\n');
  await settle();
  await world.clock.advance(100);
  await settle();
  await world.clock.advance(500);
  assert.equal((await answer)['Message'], 'load timeout, txn status: PREPARE');
  assert.equal(world.end(), '1\n');
});

test('the merged load has no header of a single request, and time for its window', async () => {
  const world = new World({ intervalMs: 60_000, timeoutMs: 5_000 });
  const headers = {
    label: 'x',
    format: 'gzip',
    compression: 'gzip',
    'content-length': '5',
    where: 'a > 1',
  };
  void world.send('1\n', headers);
  await settle();
  const { label, ...others } = world.begun[0]?.headers ?? {};
  assert.match(String(label), /^merge_commit_/);
  assert.deepEqual(others, { format: 'csv', where: 'a > 1', timeout: '65' });
});
