// Another try for calls that failed for a passing reason (STORAGE_UNAVAILABLE), with growing pauses and a
// bound. Every call of ObjectStore can be repeated; put-if-absent needs care after a lost answer.
import type { Clock } from '../base/clock.ts';
import { AppError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import type { ObjectInfo, ObjectStore } from './object-store.ts';

export interface RetryOptions {
  /** Calls in all, >= 1. */
  readonly attempts: number;
  /** Pause before the second call; doubles each time, up to `maxDelayMs`, half of it random. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

export class RetryStore implements ObjectStore {
  readonly #inner: ObjectStore;
  readonly #options: RetryOptions;

  constructor(inner: ObjectStore, options: RetryOptions) {
    this.#inner = inner;
    this.#options = options;
  }

  put(key: string, body: Uint8Array): Promise<void> {
    return this.#try(() => this.#inner.put(key, body));
  }

  putFile(key: string, localPath: string): Promise<void> {
    return this.#try(() => this.#inner.putFile(key, localPath));
  }

  /**
   * After a failed call nobody knows whether it took effect, so a later "exists" is compared with our
   * body: equal means that we are the winner. Bodies of racers must therefore differ (an id in them).
   */
  async putIfAbsent(key: string, body: Uint8Array): Promise<boolean> {
    let uncertain = false;
    const won = await this.#try(async () => {
      try {
        return await this.#inner.putIfAbsent(key, body);
      } catch (thrown) {
        uncertain = true;
        throw thrown;
      }
    });
    if (won || !uncertain) return won;
    const stored = await this.get(key);
    return stored.equals(body);
  }

  get(key: string, range?: { readonly start: number; readonly end: number }): Promise<Buffer> {
    return this.#try(() => this.#inner.get(key, range));
  }

  getToFile(key: string, localPath: string): Promise<void> {
    return this.#try(() => this.#inner.getToFile(key, localPath));
  }

  head(key: string): Promise<ObjectInfo | null> {
    return this.#try(() => this.#inner.head(key));
  }

  delete(keys: readonly string[]): Promise<void> {
    return this.#try(() => this.#inner.delete(keys));
  }

  /** A page that fails begins the listing anew; objects already given are skipped by key order. */
  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    let after: Buffer | null = null;
    for (let attempt = 1; ; attempt += 1) {
      try {
        for await (const info of this.#inner.list(prefix)) {
          const key = Buffer.from(info.key);
          if (after !== null && Buffer.compare(key, after) <= 0) continue;
          yield info;
          after = key;
        }
        return;
      } catch (thrown) {
        await this.#pause(thrown, attempt);
      }
    }
  }

  localPath(key: string): string | null {
    return this.#inner.localPath(key);
  }

  async #try<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work();
      } catch (thrown) {
        await this.#pause(thrown, attempt);
      }
    }
  }

  /** Waits before the next attempt, or throws when there is none. */
  async #pause(thrown: unknown, attempt: number): Promise<void> {
    const { attempts, firstDelayMs, maxDelayMs, clock, random } = this.#options;
    const passing =
      thrown instanceof AppError &&
      (thrown.code === 'STORAGE_UNAVAILABLE' || thrown.code === 'OBJECT_SIZE_MISMATCH');
    if (!passing || attempt >= attempts) throw thrown;
    const delayMs = Math.min(maxDelayMs, firstDelayMs * 2 ** (attempt - 1));
    await clock.sleep(delayMs / 2 + random.below(Math.ceil(delayMs / 2) + 1));
  }
}
