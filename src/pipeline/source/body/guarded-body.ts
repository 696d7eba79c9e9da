// A body as it comes, given up where nothing comes for too long or its load ends: for readers behind it that may need
// much of it before they have anything to hand on.
import type { Clock } from '../../../base/clock.ts';
import { fail } from '../../../base/errors.ts';
import { orAborted } from '../../../base/queue.ts';

export interface GuardOptions {
  readonly clock: Clock;
  readonly idleTimeoutMs: number;
  readonly signal: AbortSignal;
}

/** `next` throws BODY_IDLE, the signal's reason, and what the body throws. */
export class GuardedBody implements AsyncIterable<Uint8Array> {
  readonly #body: AsyncIterable<Uint8Array>;
  readonly #options: GuardOptions;

  constructor(body: AsyncIterable<Uint8Array>, options: GuardOptions) {
    this.#body = body;
    this.#options = options;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    const inner = this.#body[Symbol.asyncIterator]();
    return {
      next: () => this.#within(inner.next()),
      return: async () => {
        // A body that hangs would hang here, too: nothing waits for its end.
        inner.return?.().catch(() => undefined);
        return { done: true, value: undefined };
      },
    };
  }

  async #within(next: Promise<IteratorResult<Uint8Array>>): Promise<IteratorResult<Uint8Array>> {
    const { clock, idleTimeoutMs, signal } = this.#options;
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = clock.after(idleTimeoutMs, () =>
      reject(fail('BODY_IDLE', { idleMs: idleTimeoutMs })),
    );
    try {
      return await orAborted(Promise.race([next, promise]), signal);
    } finally {
      timer.cancel();
    }
  }
}
