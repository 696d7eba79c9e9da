// What the CN was answered when it asked to begin loads, on the FE: for as long as the answer may have got lost on its
// way, it can be asked for again. Loads are remembered until they end, refusals for a while.
import { type Deferred, deferred } from '../base/queue.ts';
import type { FoundBegin } from '../cluster/rpc/messages.ts';
import { type BodyLoadBegin, type BodyLoadEnd, bodyKey } from '../model/body-load.ts';

/** Open loads are bounded by the CN's own limit; refusals by this. */
const MAX_REFUSALS = 256;

export class BegunBodies {
  /** By request; null: it is being answered. */
  readonly #begins = new Map<string, BodyLoadBegin | null>();
  /** Requests by the keys of the bodies that they brought. */
  readonly #requests = new Map<string, string>();
  /** Requests that were refused, oldest first. */
  readonly #refused: string[] = [];
  #idle: Deferred<void> | null = null;

  /** Answers a request and remembers the answer; what throws is forgotten. */
  async answer(requestId: string, begin: () => Promise<BodyLoadBegin>): Promise<BodyLoadBegin> {
    this.#begins.set(requestId, null);
    try {
      const begun = await begin();
      this.#begins.set(requestId, begun);
      if (begun.kind === 'load') {
        const { begun: own, loadId } = begun.load;
        this.#requests.set(bodyKey(own.transactionId, loadId), requestId);
      } else this.#refuse(requestId);
      return begun;
    } catch (thrown) {
      this.#begins.delete(requestId);
      throw thrown;
    }
  }

  find(requestId: string): FoundBegin {
    const begin = this.#begins.get(requestId);
    if (begin === undefined) return { state: 'unknown' };
    return begin === null ? { state: 'waits' } : { state: 'answered', begin };
  }

  /** The CN ended the load, and that was answered: it had the answer to its begin. */
  ended(end: Pick<BodyLoadEnd, 'transactionId' | 'loadId'>): void {
    const key = bodyKey(end.transactionId, end.loadId);
    const requestId = this.#requests.get(key);
    if (requestId === undefined) return;
    this.#requests.delete(key);
    this.#begins.delete(requestId);
    if (this.#requests.size === 0) this.#tell();
  }

  /** Resolves once no load is on its way. */
  idle(): Promise<void> {
    if (this.#requests.size === 0) return Promise.resolve();
    this.#idle ??= deferred();
    return this.#idle.promise;
  }

  #tell(): void {
    this.#idle?.resolve();
    this.#idle = null;
  }

  /** Those who asked are gone. */
  clear(): void {
    for (const requestId of [...this.#requests.values(), ...this.#refused])
      this.#begins.delete(requestId);
    this.#requests.clear();
    this.#refused.length = 0;
    this.#tell();
  }

  #refuse(requestId: string): void {
    this.#refused.push(requestId);
    if (this.#refused.length <= MAX_REFUSALS) return;
    const oldest = this.#refused.shift();
    if (oldest !== undefined) this.#begins.delete(oldest);
  }
}
