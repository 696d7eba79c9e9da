// Tells which producers' transactional batches belong to an aborted transaction while the batches of
// one Fetch response are read in order. Never kept over responses: a broker lists, in each response,
// every aborted transaction that overlaps the fetched range, also those begun before it.
// SOURCE: KIP-98 "Fetch request"; the Java consumer's CompletedFetch does the same.

export interface AbortedTransaction {
  readonly producerId: bigint;
  /** Offset of the transaction's first record in this partition. */
  readonly firstOffset: bigint;
}

export class AbortedProducers {
  readonly #pending: readonly AbortedTransaction[];
  #next = 0;
  readonly #active = new Set<bigint>();

  constructor(listed: readonly AbortedTransaction[]) {
    this.#pending =
      listed.length < 2
        ? listed
        : listed.toSorted((a, b) =>
            a.firstOffset < b.firstOffset ? -1 : a.firstOffset > b.firstOffset ? 1 : 0,
          );
  }

  /** Takes in the transactions begun at or before the last offset of the batch now being read. */
  advanceTo(lastOffset: bigint): void {
    for (;;) {
      const next = this.#pending[this.#next];
      if (next === undefined || next.firstOffset > lastOffset) return;
      this.#active.add(next.producerId);
      this.#next += 1;
    }
  }

  has(producerId: bigint): boolean {
    return this.#active.has(producerId);
  }

  /** The producer's ABORT marker was read: what it writes from here on is another transaction. */
  end(producerId: bigint): void {
    this.#active.delete(producerId);
  }
}
