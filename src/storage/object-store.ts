// The object store interface with its guarantees. Drivers: local directory, S3. Wrappers (metering,
// faults) implement the same interface. No driver retries for ever: `timeoutMs` bounds each call.

export interface ObjectInfo {
  readonly key: string;
  readonly sizeBytes: number;
  readonly lastModifiedMs: number;
}

export interface ObjectStore {
  /** Stores `body` under `key`. Atomic and durable: after it resolves a reader sees all of it; after a crash all or nothing. */
  put(key: string, body: Uint8Array): Promise<void>;
  /**
   * Like put, from a local file of known size (streamed, never whole in memory). The local driver moves it
   * (the file is then gone), or only makes it durable when it already lies at `localPath(key)`.
   */
  putFile(key: string, localPath: string): Promise<void>;
  /** Stores only if the key does not exist; false when it does. Exactly one of many racers wins. */
  putIfAbsent(key: string, body: Uint8Array): Promise<boolean>;
  /** Whole object or `range` (end exclusive). Throws OBJECT_NOT_FOUND. */
  get(key: string, range?: { readonly start: number; readonly end: number }): Promise<Buffer>;
  /** Streams the object into a local file that did not exist. Throws OBJECT_NOT_FOUND. */
  getToFile(key: string, localPath: string): Promise<void>;
  /** Size, or null when the key does not exist. */
  head(key: string): Promise<ObjectInfo | null>;
  /** Removes; missing keys are no error. */
  delete(keys: readonly string[]): Promise<void>;
  /** Every object below the prefix, in key order, page by page. */
  list(prefix: string): AsyncIterable<ObjectInfo>;
  /** A path that DuckDB can read or write in place, when objects are local files; otherwise null. */
  localPath(key: string): string | null;
}
