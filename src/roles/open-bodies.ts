// Loads whose bodies are on their way, on the FE: what an orderly end of the server waits for.
import { type Deferred, deferred } from '../base/queue.ts';
import type { AcceptedLoad, BodyLoadEnd } from '../model/body-load.ts';

export class OpenBodies {
  readonly #open = new Set<string>();
  #idle: Deferred<void> | null = null;

  begun({ begun, loadId }: AcceptedLoad): void {
    this.#open.add(nameOf({ transactionId: begun.transactionId, loadId }));
  }

  /** It has its answer. */
  ended({ transactionId, loadId }: BodyLoadEnd): void {
    this.#open.delete(nameOf({ transactionId, loadId }));
    if (this.#open.size === 0) this.#tell();
  }

  /** The process that read them is gone. */
  clear(): void {
    this.#open.clear();
    this.#tell();
  }

  /** Resolves once none is on its way. */
  idle(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    this.#idle ??= deferred();
    return this.#idle.promise;
  }

  #tell(): void {
    this.#idle?.resolve();
    this.#idle = null;
  }
}

/** A transaction may have several loads. */
function nameOf(of: {
  readonly transactionId: BodyLoadEnd['transactionId'];
  readonly loadId: number | undefined;
}): string {
  return `${of.transactionId} ${of.loadId ?? ''}`;
}
