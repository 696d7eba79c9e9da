// What every repository works with: the database or the transaction it acts in, the sealer, the clock.
import type { Transaction } from 'kysely';
import { assert } from '../base/assert.ts';
import { asId, type Brand, type Epoch } from '../base/ids.ts';
import { Mutex } from '../base/queue.ts';
import type { Random } from '../base/random.ts';
import type { MetadataDb } from './driver/batch.ts';
import type { CounterName, MetadataTables } from './schema/tables.ts';
import type { Sealer } from './secrets.ts';

export interface CatalogContext {
  readonly db: MetadataDb;
  /** Opens a transaction, or goes on in the one that `db` already is. */
  atomically<T>(work: (context: CatalogContext) => Promise<T>): Promise<T>;
  readonly sealer: Sealer;
  readonly random: Random;
  /** The database's clock. */
  readonly nowMs: () => number;
  readonly leaderEpoch: Epoch;
  readonly ids: IdBlocks;
}

/** The context of one transaction. */
export function insideTransaction(
  context: CatalogContext,
  transaction: Transaction<MetadataTables>,
): CatalogContext {
  const inside: CatalogContext = {
    ...context,
    db: transaction,
    atomically: (work) => work(inside),
  };
  return inside;
}

/** The next value of a counter, taken in this transaction: without gaps. */
export async function nextValue(db: MetadataDb, name: CounterName): Promise<number> {
  return (await takeValues(db, name, 1)) - 1;
}

/** Takes `count` values and returns the one after them. */
async function takeValues(db: MetadataDb, name: CounterName, count: number): Promise<number> {
  const row = await db
    .updateTable('counters')
    .set((eb) => ({ next_value: eb('next_value', '+', count) }))
    .where('name', '=', name)
    .returning('next_value')
    .executeTakeFirst();
  assert(row !== undefined, `counter ${name} exists`);
  return row.next_value;
}

const BLOCK = 200;

/**
 * Ids in blocks, so that commits need not wait for each other on a counter. What is left of a block is
 * lost at a restart. Must not be asked inside a transaction: that may roll back.
 */
export class IdBlocks {
  readonly #db: MetadataDb;
  readonly #lock = new Mutex();
  readonly #blocks = new Map<CounterName, { next: number; end: number }>();

  constructor(db: MetadataDb) {
    this.#db = db;
  }

  /** One id. */
  async one<B extends Brand<number, string>>(name: 'transaction' | 'file' | 'ticket'): Promise<B> {
    const [id] = await this.many<B>(name, 1);
    assert(id !== undefined, 'one id');
    return id;
  }

  /** `count` ids in order. */
  many<B extends Brand<number, string>>(
    name: 'transaction' | 'file' | 'ticket',
    count: number,
  ): Promise<readonly B[]> {
    return this.#lock.run(async () => {
      let block = this.#blocks.get(name);
      if (block === undefined || block.end - block.next < count) {
        const taken = Math.max(BLOCK, count);
        const end = await takeValues(this.#db, name, taken);
        block = { next: end - taken, end };
        this.#blocks.set(name, block);
      }
      const first = block.next;
      block.next += count;
      return Array.from({ length: count }, (_, index) => asId<B>(first + index));
    });
  }
}
