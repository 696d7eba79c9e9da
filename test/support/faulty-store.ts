// An ObjectStore that fails as a plan says: before the effect, or after it (a lost answer).
import type { ObjectInfo, ObjectStore } from '../../src/storage/object-store.ts';

/** What happens at the n-th call of a kind (from 1). */
export type Fault = (call: {
  readonly operation:
    | 'put'
    | 'putFile'
    | 'putIfAbsent'
    | 'get'
    | 'getToFile'
    | 'head'
    | 'delete'
    | 'list';
  readonly key: string;
  /** Calls of this operation so far, this one included. */
  readonly count: number;
}) => { readonly when: 'before' | 'after'; readonly error: Error } | null;

export class FaultyStore implements ObjectStore {
  readonly #inner: ObjectStore;
  readonly #fault: Fault;
  readonly #counts = new Map<string, number>();

  constructor(inner: ObjectStore, fault: Fault) {
    this.#inner = inner;
    this.#fault = fault;
  }

  put(key: string, body: Uint8Array): Promise<void> {
    return this.#run('put', key, () => this.#inner.put(key, body));
  }
  putFile(key: string, localPath: string): Promise<void> {
    return this.#run('putFile', key, () => this.#inner.putFile(key, localPath));
  }
  putIfAbsent(key: string, body: Uint8Array): Promise<boolean> {
    return this.#run('putIfAbsent', key, () => this.#inner.putIfAbsent(key, body));
  }
  get(key: string, range?: { readonly start: number; readonly end: number }): Promise<Buffer> {
    return this.#run('get', key, () => this.#inner.get(key, range));
  }
  getToFile(key: string, localPath: string): Promise<void> {
    return this.#run('getToFile', key, () => this.#inner.getToFile(key, localPath));
  }
  head(key: string): Promise<ObjectInfo | null> {
    return this.#run('head', key, () => this.#inner.head(key));
  }
  delete(keys: readonly string[]): Promise<void> {
    return this.#run('delete', keys[0] ?? '', () => this.#inner.delete(keys));
  }
  /** A fault of a listing comes after its first object. */
  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    const fault = this.#next('list', prefix);
    for await (const info of this.#inner.list(prefix)) {
      yield info;
      if (fault !== null) throw fault.error;
    }
  }
  localPath(key: string): string | null {
    return this.#inner.localPath(key);
  }

  #next(operation: Parameters<Fault>[0]['operation'], key: string): ReturnType<Fault> {
    const count = (this.#counts.get(operation) ?? 0) + 1;
    this.#counts.set(operation, count);
    return this.#fault({ operation, key, count });
  }

  async #run<T>(
    operation: Parameters<Fault>[0]['operation'],
    key: string,
    work: () => Promise<T>,
  ): Promise<T> {
    const fault = this.#next(operation, key);
    if (fault?.when === 'before') throw fault.error;
    const result = await work();
    if (fault !== null) throw fault.error;
    return result;
  }
}
