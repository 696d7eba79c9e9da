// Answers of metadata reads, kept for as long as no write was sent to the metadata: this process is the only
// writer of the embedded database, so a counter of its writes tells exactly when an answer may be old.
// Must never give an answer from before a write that was sent.

/** Most answers kept, and most of their summed weight (a data file weighs 1, about 1 KB). */
const MAX_ENTRIES = 512;
const MAX_WEIGHT = 8192;

export class ReadCache {
  readonly #writesSent: () => number;
  readonly #entries = new Map<string, { readonly value: unknown; readonly weight: number }>();
  #weight = 0;
  /** What `writesSent` was when the entries were read. */
  #asOf = -1;

  /** `writesSent` goes up before a write can take effect, and reads sent later see it. */
  constructor(writesSent: () => number) {
    this.#writesSent = writesSent;
  }

  /**
   * What `read` gives, from memory where it was read since the last write. `read` reads the metadata and nothing
   * else that changes; its answer is shared, so nobody may change it. Throws what `read` throws.
   */
  async get<T>(key: string, read: () => Promise<T>, weightOf: (value: T) => number): Promise<T> {
    const before = this.#writesSent();
    if (before !== this.#asOf) {
      this.#entries.clear();
      this.#weight = 0;
      this.#asOf = before;
    }
    const known = this.#entries.get(key);
    // A key is made for one kind of answer only.
    if (known !== undefined) return known.value as T;
    const value = await read();
    // A write that was sent meanwhile may be in it or not.
    if (this.#writesSent() !== before || this.#entries.has(key)) return value;
    const weight = 1 + weightOf(value);
    if (weight > MAX_WEIGHT) return value;
    // What came first goes first.
    for (const [oldest, entry] of this.#entries) {
      if (this.#entries.size < MAX_ENTRIES && this.#weight + weight <= MAX_WEIGHT) break;
      this.#entries.delete(oldest);
      this.#weight -= entry.weight;
    }
    this.#entries.set(key, { value, weight });
    this.#weight += weight;
    return value;
  }
}
