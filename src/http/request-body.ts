// The body of a request as it comes: the next piece is taken from the socket only when it is asked for. A reader may
// leave at any place; the request is then still there to be answered.
import type { IncomingMessage } from 'node:http';
import { fail } from '../base/errors.ts';

type Next = IteratorResult<Uint8Array, undefined>;

const DONE: Next = { done: true, value: undefined };

/** For one reader. Throws BODY_CUT where the sender goes away before the end. */
export class RequestBody implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  readonly #request: IncomingMessage;
  readonly #waiting: Uint8Array[] = [];
  #isEnded = false;
  #isCut = false;
  #wake: (() => void) | null = null;

  constructor(request: IncomingMessage) {
    this.#request = request;
    request.on('data', this.#onData);
    request.on('end', this.#onEnd);
    request.on('error', this.#onCut);
    request.on('close', this.#onCut);
    request.pause();
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this;
  }

  async next(): Promise<Next> {
    while (true) {
      const chunk = this.#waiting.shift();
      if (chunk !== undefined) return { done: false, value: chunk };
      if (this.#isEnded) return DONE;
      if (this.#isCut) throw fail('BODY_CUT');
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      this.#request.resume();
      await promise;
    }
  }

  async return(): Promise<Next> {
    this.leave();
    return DONE;
  }

  /** Nothing of the body is kept any more; what still comes is for whoever reads the request next. */
  leave(): void {
    this.#request.off('data', this.#onData);
    this.#request.off('end', this.#onEnd);
    this.#request.off('close', this.#onCut);
    // The listener of errors stays: without one they would end the process.
    this.#waiting.length = 0;
    this.#isEnded = true;
    this.#wake?.();
  }

  readonly #onData = (chunk: Uint8Array): void => {
    this.#request.pause();
    this.#waiting.push(chunk);
    this.#wake?.();
  };

  readonly #onEnd = (): void => {
    this.#isEnded = true;
    this.#wake?.();
  };

  readonly #onCut = (): void => {
    // 'close' comes after 'end', too.
    if (!this.#isEnded) this.#isCut = true;
    this.#wake?.();
  };
}
