// An object store in memory, for tests of code that only needs the interface.
import { fail } from '../../src/base/errors.ts';
import type { ObjectInfo, ObjectStore } from '../../src/storage/object-store.ts';

export class MemoryStore implements ObjectStore {
  readonly objects = new Map<string, Uint8Array>();
  /** Set to make every call fail with it. */
  broken: Error | null = null;

  async put(key: string, body: Uint8Array): Promise<void> {
    this.#check();
    this.objects.set(key, body);
  }
  putFile(): Promise<void> {
    throw fail('NOT_SUPPORTED', { what: 'putFile' });
  }
  async putIfAbsent(key: string, body: Uint8Array): Promise<boolean> {
    this.#check();
    if (this.objects.has(key)) return false;
    this.objects.set(key, body);
    return true;
  }
  async get(key: string): Promise<Buffer> {
    this.#check();
    const body = this.objects.get(key);
    if (body === undefined) throw fail('INTERNAL', { detail: `no object ${key}` });
    return Buffer.from(body);
  }
  getToFile(): Promise<void> {
    throw fail('NOT_SUPPORTED', { what: 'getToFile' });
  }
  async head(key: string): Promise<ObjectInfo | null> {
    this.#check();
    const body = this.objects.get(key);
    return body === undefined ? null : { key, sizeBytes: body.length, lastModifiedMs: 0 };
  }
  async delete(keys: readonly string[]): Promise<void> {
    this.#check();
    for (const key of keys) this.objects.delete(key);
  }
  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    this.#check();
    for (const [key, body] of [...this.objects].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (key.startsWith(prefix)) yield { key, sizeBytes: body.length, lastModifiedMs: 0 };
    }
  }
  localPath(): string | null {
    return null;
  }

  #check(): void {
    if (this.broken !== null) throw this.broken;
  }
}
