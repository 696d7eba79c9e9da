// Cutting a byte stream into frames, whatever pieces it comes in, and using buffers again.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FrameReceiver } from '../../../../src/kafka/client/frame-receiver.ts';
import { ReceiveBuffers } from '../../../../src/kafka/client/receive-buffers.ts';

const MAX_BYTES = 1_000_000;

function framed(body: Buffer): Buffer {
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
}

/** Feeds bytes as a socket would: never more than the target holds, in pieces of the given sizes. */
function feed(receiver: FrameReceiver, bytes: Buffer, pieces: readonly number[]): boolean {
  let at = 0;
  for (let turn = 0; at < bytes.length; turn += 1) {
    const target = receiver.nextTarget();
    assert.ok(target.length > 0, 'there is always room');
    const wanted = pieces[turn % pieces.length] ?? 1;
    const count = Math.min(wanted, target.length, bytes.length - at);
    bytes.copy(target, 0, at, at + count);
    at += count;
    if (!receiver.written(count)) return false;
  }
  return true;
}

describe('frame receiver', () => {
  it('gives the frames back whole and in order, however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.integer({ min: 4, max: 300 }), fc.integer({ min: 4, max: 200_000 })), {
          maxLength: 12,
        }),
        fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        (sizes, pieces, releases) => {
          const bodies = sizes.map((size, index) => Buffer.alloc(size, index + 1));
          const seen: Buffer[] = [];
          const receiver = new FrameReceiver(new ReceiveBuffers(300_000), MAX_BYTES, (frame) => {
            seen.push(Buffer.from(frame.bytes));
            if (releases) frame.release();
          });
          assert.ok(feed(receiver, Buffer.concat(bodies.map(framed)), pieces));
          assert.equal(seen.length, bodies.length);
          for (const [index, body] of bodies.entries()) assert.ok(seen[index]?.equals(body));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('tells an answer that is too large from what is no answer', () => {
    const opened = (): FrameReceiver =>
      new FrameReceiver(new ReceiveBuffers(0), MAX_BYTES, (frame) => frame.release());
    const large = Buffer.alloc(4);
    large.writeInt32BE(MAX_BYTES + 1);
    const first = opened();
    assert.equal(feed(first, large, [4]), false);
    assert.equal(first.tooLargeBytes, null);
    for (const pieces of [[1], [100]]) {
      const later = opened();
      assert.equal(feed(later, Buffer.concat([framed(Buffer.alloc(8)), large]), pieces), false);
      assert.deepEqual([later.tooLargeBytes, later.maxFrameBytes], [MAX_BYTES + 1, MAX_BYTES]);
    }
  });

  it('refuses sizes that cannot be', () => {
    for (const size of [-1, 0, 3, MAX_BYTES + 1, 0x48545450]) {
      const receiver = new FrameReceiver(new ReceiveBuffers(0), MAX_BYTES, () => assert.fail());
      const bytes = Buffer.alloc(8);
      bytes.writeInt32BE(size);
      assert.equal(feed(receiver, bytes, [8]), false);
    }
  });
});

describe('receive buffers', () => {
  it('are used again after release, once, and never while held', () => {
    const buffers = new ReceiveBuffers(10_000_000);
    const first = buffers.take(500_000);
    const frame = buffers.frame(first, 500_000);
    const second = buffers.take(500_000);
    assert.notEqual(second.buffer, first.buffer);
    frame.release();
    frame.release();
    const third = buffers.take(400_000);
    assert.equal(third.buffer, first.buffer);
    assert.notEqual(buffers.take(400_000).buffer, first.buffer);
  });

  it('keep no more than their bound', () => {
    const buffers = new ReceiveBuffers(1_000_000);
    const taken = Array.from({ length: 10 }, () => buffers.take(512 * 1024));
    for (const buffer of taken) buffers.giveBack(buffer);
    const again = Array.from({ length: 10 }, () => buffers.take(512 * 1024));
    const reused = again.filter((buffer) => taken.some((old) => old.buffer === buffer.buffer));
    assert.equal(reused.length, 1);
  });
});
