// The bodies of transactions that are on their way to a CN, and the answers that were given last, in case that they got
// lost. What they loaded is in the metadata.
import type { TransactionId } from '../../base/ids.ts';
import type { HttpAnswer } from '../../model/body-load.ts';
import type { TableInfo } from '../../model/table.ts';

/** A load whose body is on its way, or whose answer was given last. */
export interface BodyOfTransaction {
  readonly transactionId: TransactionId;
  /** Null: the loads of the transaction come one after the other. */
  readonly channel: number | null;
  readonly label: string;
  readonly table: TableInfo;
  readonly planMs: number;
  /** When the transaction began. */
  readonly beganMs: number;
  /** Null: the body is on its way. */
  ending: Promise<HttpAnswer> | null;
}

/** Answers that are kept. */
const MAX_BODIES = 4096;

export class TransactionBodies {
  /** By the number of the load: the end of one may be asked for when the next one of its transaction runs. */
  readonly #bodies = new Map<number, BodyOfTransaction>();
  #loads = 0;

  find(loadId: number): BodyOfTransaction | undefined {
    return this.#bodies.get(loadId);
  }

  /** Returns the number of the load. */
  keep(body: BodyOfTransaction): number {
    if (this.#bodies.size >= MAX_BODIES) {
      for (const [id, { ending }] of this.#bodies) if (ending !== null) this.#bodies.delete(id);
    }
    this.#loads += 1;
    this.#bodies.set(this.#loads, body);
    return this.#loads;
  }

  /** The answers that the transaction's loads got; true: bodies of it are on their way, and end by themselves. */
  forget(id: TransactionId): boolean {
    let isLoading = false;
    for (const [loadId, { transactionId, ending }] of this.#bodies) {
      if (transactionId !== id) continue;
      if (ending === null) isLoading = true;
      else this.#bodies.delete(loadId);
    }
    return isLoading;
  }

  /** Forgets those that are on their way: nobody will end them. Returns their transactions. */
  dropRunning(): ReadonlySet<TransactionId> {
    const running = [...this.#bodies].filter(([, { ending }]) => ending === null);
    for (const [loadId] of running) this.#bodies.delete(loadId);
    return new Set(running.map(([, { transactionId }]) => transactionId));
  }
}
