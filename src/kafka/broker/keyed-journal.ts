// A small durable map in one append-only file: each line is a JSON list of [key, value] pairs that
// become true together, null removes. A torn last line never happened. Rewritten when it has grown
// well beyond what is live. For committed offsets and transactions; not for data.
import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { Mutex } from '../../base/queue.ts';
import { onDisk, readTextIfThere, writeFileAtomically, writeFully } from './disk.ts';

const fdatasync = promisify(fs.fdatasync);
const closeFd = promisify(fs.close);

const REWRITE_FROM_BYTES = 1024 * 1024;
const REWRITE_GROWTH = 4;

export type JournalValue = Readonly<Record<string, string | number | boolean | readonly string[]>>;
export type JournalEntry = readonly [key: string, value: JournalValue | null];

export class KeyedJournal {
  readonly #file: string;
  readonly #live = new Map<string, JournalValue>();
  #fd: number;
  #sizeBytes = 0;
  #rewriteAtBytes = REWRITE_FROM_BYTES;
  #dirty = false;
  readonly #flushing = new Mutex();

  constructor(file: string) {
    this.#file = file;
    const text = readTextIfThere(file) ?? '';
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    for (const line of whole.split('\n')) if (line !== '') this.#replay(line);
    this.#fd = fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o644);
    this.#sizeBytes = Buffer.byteLength(whole, 'utf8');
    fs.ftruncateSync(this.#fd, this.#sizeBytes);
  }

  #replay(line: string): void {
    const entries = JSON.parse(line) as readonly JournalEntry[]; // written by put()
    this.#apply(entries);
  }

  #apply(entries: readonly JournalEntry[]): void {
    for (const [key, value] of entries) {
      if (value === null) this.#live.delete(key);
      else this.#live.set(key, value);
    }
  }

  /** All live entries. */
  entries(): IterableIterator<[string, JournalValue]> {
    return this.#live.entries();
  }

  /** Makes all entries true, or none. @throws DISK_FULL */
  put(entries: readonly JournalEntry[]): void {
    if (entries.length === 0) return;
    const line = Buffer.from(`${JSON.stringify(entries)}\n`, 'utf8');
    try {
      onDisk(this.#file, () => writeFully(this.#fd, line, this.#sizeBytes));
    } catch (thrown) {
      fs.ftruncateSync(this.#fd, this.#sizeBytes);
      throw thrown;
    }
    this.#sizeBytes += line.length;
    this.#dirty = true;
    this.#apply(entries);
  }

  /** Fsyncs, after a rewrite where one is due. */
  flush(): Promise<void> {
    return this.#flushing.run(async () => {
      if (!this.#dirty) return;
      this.#dirty = false;
      try {
        if (this.#sizeBytes > this.#rewriteAtBytes) await this.#rewrite();
        else await fdatasync(this.#fd);
      } catch (thrown) {
        this.#dirty = true;
        throw thrown;
      }
    });
  }

  async #rewrite(): Promise<void> {
    const lines = [...this.#live].map((entry) => `${JSON.stringify([entry])}\n`).join('');
    writeFileAtomically(this.#file, lines, true);
    const old = this.#fd;
    this.#fd = fs.openSync(this.#file, 'r+');
    this.#sizeBytes = Buffer.byteLength(lines, 'utf8');
    this.#rewriteAtBytes = Math.max(REWRITE_FROM_BYTES, this.#sizeBytes * REWRITE_GROWTH);
    await closeFd(old);
  }

  async close(): Promise<void> {
    await this.flush();
    await closeFd(this.#fd);
  }
}
