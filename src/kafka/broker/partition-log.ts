// The log of one partition: segments on disk, producer state, the offsets that readers may see. All
// reads and appends are synchronous and whole, so nobody ever sees a half-made change. What append
// has returned survives kill -9; fsync (flush) makes it survive the machine.
import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { present } from '../../base/assert.ts';
import { Mutex } from '../../base/queue.ts';
import { BATCH, type BatchHeader, readBatchHeader } from '../protocol/batch-header.ts';
import { recordsOf, stampLogAppendTime } from './batch-records.ts';
import { wholeBatchBytes } from './batch-scan.ts';
import { readFully, writeFileAtomically } from './disk.ts';
import { openLog, type PartitionLogOptions } from './log-recovery.ts';
import type { AbortedRange, ProducerTable } from './producer-table.ts';
import { Segment, segmentFile } from './segment.ts';
import type { EffectiveTopicConfig } from './topic-config.ts';

const fdatasync = promisify(fs.fdatasync);
const closeFd = promisify(fs.close);
const LEADER_EPOCH = 0;

export type AppendResult =
  | { readonly kind: 'appended'; readonly baseOffset: bigint; readonly logAppendTimeMs: number }
  | { readonly kind: 'refused'; readonly errorCode: number };

export interface OffsetAndTimestamp {
  readonly offset: bigint;
  readonly timestampMs: number;
}

const NOTHING = Buffer.alloc(0);

export class PartitionLog {
  readonly #options: PartitionLogOptions;
  /** In offset order; the last one takes the appends. Never empty. */
  #segments: Segment[];
  readonly #producers: ProducerTable;
  #startOffset: bigint;
  readonly #waiters = new Set<() => void>();
  /** Descriptors of closed segments whose data is not fsynced yet. */
  #unsynced: number[] = [];
  #dirty = false;
  readonly #flushing = new Mutex();
  #closed = false;

  constructor(options: PartitionLogOptions) {
    this.#options = options;
    const opened = openLog(options);
    this.#segments = opened.segments;
    this.#producers = opened.producers;
    this.#startOffset = opened.startOffset;
  }

  get #active(): Segment {
    return present(this.#segments.at(-1), 'active segment');
  }
  /** First offset that can be read. */
  get startOffset(): bigint {
    return this.#startOffset;
  }
  /** Offset of the next record: the high watermark too, since there is one replica. */
  get nextOffset(): bigint {
    return this.#active.nextOffset;
  }
  get lastStableOffset(): bigint {
    return this.#producers.lastStableOffset(this.nextOffset);
  }
  get sizeBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
  }
  get config(): EffectiveTopicConfig {
    return this.#options.config();
  }
  get directory(): string {
    return this.#options.directory;
  }
  get closed(): boolean {
    return this.#closed;
  }
  /** Segments that take no appends any more, oldest first. For compaction. */
  get closedSegments(): readonly Segment[] {
    return this.#segments.slice(0, -1);
  }
  /** Segment files, the one that takes appends included. */
  get segmentCount(): number {
    return this.#segments.length;
  }

  /**
   * Appends one checked batch, writing offset and leader epoch into its header in place.
   * @throws DISK_FULL when nothing of it could be kept
   */
  append(batch: Buffer, header: BatchHeader): AppendResult {
    const verdict = this.#producers.check(header);
    if (verdict.kind === 'refused') return verdict;
    if (verdict.kind === 'repeated') {
      return { kind: 'appended', baseOffset: verdict.baseOffset, logAppendTimeMs: -1 };
    }
    const { logAppendTime } = this.config;
    const nowMs = this.#options.clock.nowMs();
    if (logAppendTime) stampLogAppendTime(batch, header.attributes, nowMs);
    const baseOffset = this.#write(batch, nowMs);
    return { kind: 'appended', baseOffset, logAppendTimeMs: logAppendTime ? nowMs : -1 };
  }

  /** Appends the marker that ends a transaction. */
  appendMarker(batch: Buffer): void {
    this.#write(batch, this.#options.clock.nowMs());
  }

  #write(batch: Buffer, nowMs: number): bigint {
    if (this.#closed) throw new Error(`log ${this.directory} is closed`);
    this.#rollIfDue(batch.length, nowMs);
    const baseOffset = this.nextOffset;
    batch.writeBigInt64BE(baseOffset, BATCH.BASE_OFFSET);
    batch.writeInt32BE(LEADER_EPOCH, BATCH.LEADER_EPOCH);
    const header = readBatchHeader(batch, 0);
    this.#active.append(batch, header);
    this.#producers.note(header, batch);
    this.#dirty = true;
    for (const wake of [...this.#waiters]) wake();
    return baseOffset;
  }

  /** Calls `wake` after each append (and on close) until the returned function is called. */
  onAppend(wake: () => void): () => void {
    this.#waiters.add(wake);
    return () => this.#waiters.delete(wake);
  }

  // -- reading

  /**
   * Whole batches from the one that holds `from` on, of one segment, with base offsets below
   * `limitOffset` and at most `maxBytes`; with `atLeastOne`, one batch even above that.
   * `from` must lie between startOffset and nextOffset.
   */
  read(from: bigint, maxBytes: number, limitOffset: bigint, atLeastOne: boolean): Buffer {
    if (from >= limitOffset) return NOTHING;
    for (const segment of this.#segmentsFrom(from)) {
      const found = segment.withFile((fd) => {
        const at = segment.locate(fd, from);
        if (at === null) return null;
        const first = at.header.totalBytes;
        if (at.header.baseOffset >= limitOffset || (first > maxBytes && !atLeastOne))
          return NOTHING;
        const wanted = Math.min(Math.max(maxBytes, first), segment.sizeBytes - at.position);
        const data = Buffer.allocUnsafeSlow(wanted);
        const read = readFully(fd, data, at.position);
        return data.subarray(0, wholeBatchBytes(data.subarray(0, read), limitOffset));
      });
      if (found !== null) return found;
    }
    return NOTHING;
  }

  /** How many bytes a read from `from` may give at most (one read stays within a segment). */
  readableBytes(from: bigint): number {
    const segment = this.#segmentsFrom(from).find((one) => one.nextOffset > from);
    return segment === undefined ? 0 : segment.bytesFrom(from);
  }

  /** The segments that may hold `from` and what comes after it, in order. */
  #segmentsFrom(from: bigint): readonly Segment[] {
    const first = this.#segments.findLastIndex((segment) => segment.baseOffset <= from);
    return this.#segments.slice(Math.max(first, 0));
  }

  /** First record with a timestamp of at least `timestampMs`; null when there is none. */
  offsetForTimestamp(timestampMs: number): OffsetAndTimestamp | null {
    for (const segment of this.#segments) {
      if (segment.maxTimestampMs < timestampMs || segment.nextOffset <= this.#startOffset) continue;
      const found = this.#firstRecordFrom(segment, timestampMs);
      if (found !== null) return found;
    }
    return null;
  }

  #firstRecordFrom(segment: Segment, timestampMs: number): OffsetAndTimestamp | null {
    return segment.withFile((fd) => {
      // Compaction or DeleteRecords may have taken the very record that the batch was found by.
      let at = segment.locateTimestamp(fd, timestampMs, 0);
      while (at !== null) {
        const { position, header } = at;
        const bytes = Buffer.allocUnsafeSlow(header.totalBytes);
        readFully(fd, bytes, position);
        for (const record of recordsOf(bytes, header)) {
          if (record.timestampMs >= timestampMs && record.offset >= this.#startOffset) {
            return { offset: record.offset, timestampMs: record.timestampMs };
          }
        }
        at = segment.locateTimestamp(fd, timestampMs, position + header.totalBytes);
      }
      return null;
    });
  }

  /** The record of the greatest timestamp; null when the log is empty. */
  latestTimestamp(): OffsetAndTimestamp | null {
    const greatest = Math.max(...this.#segments.map((segment) => segment.maxTimestampMs));
    return greatest < 0 ? null : this.offsetForTimestamp(greatest);
  }

  abortedBetween(from: bigint, to: bigint): readonly AbortedRange[] {
    return this.#producers.abortedBetween(from, to);
  }
  hasOpenTransaction(producerId: bigint): boolean {
    return this.#producers.isOpen(producerId);
  }

  // -- segments

  #rollIfDue(moreBytes: number, nowMs: number): void {
    const active = this.#active;
    if (active.sizeBytes === 0) return;
    const { segmentBytes, segmentMs } = this.config;
    const full = active.sizeBytes + moreBytes > segmentBytes;
    if (!full && nowMs - active.createdAtMs < segmentMs) return;
    this.#roll(nowMs);
    this.applyRetention(nowMs);
  }

  #roll(nowMs: number): void {
    const old = this.#active;
    const next = new Segment(this.directory, old.nextOffset, nowMs);
    const snapshot = { createdAtMs: nowMs, producers: this.#producers.save() };
    writeFileAtomically(
      segmentFile(this.directory, next.baseOffset, '.snapshot'),
      JSON.stringify(snapshot),
      false,
    );
    old.saveIndex();
    next.openForAppend();
    // Nothing below can fail: a full disk above leaves the old segment in use.
    const fd = old.detachFd();
    if (fd !== null) this.#unsynced.push(fd);
    this.#segments.push(next);
  }

  /** Closes the segment when it is older than segment.ms, and drops what retention says. */
  maintain(nowMs: number): void {
    if (this.#closed) return;
    this.#rollIfDue(0, nowMs);
    this.applyRetention(nowMs);
  }

  /** Removes whole segments that are too old, too much, or below the start offset. */
  applyRetention(nowMs: number): void {
    const { deletes, retentionBytes, retentionMs } = this.config;
    const expired = (segment: Segment): boolean =>
      retentionMs >= 0 &&
      nowMs - (segment.maxTimestampMs < 0 ? segment.createdAtMs : segment.maxTimestampMs) >
        retentionMs;
    const stable = this.lastStableOffset;
    if (deletes && this.#active.sizeBytes > 0 && this.#segments.every(expired)) this.#roll(nowMs);
    let total = this.sizeBytes;
    for (const segment of this.closedSegments) {
      const surplus = retentionBytes >= 0 && total - segment.sizeBytes >= retentionBytes;
      // One that compaction emptied at the start of the log stays: the start would move with it.
      const below =
        segment.nextOffset <= this.#startOffset && segment.baseOffset < this.#startOffset;
      if (!below && !(deletes && (surplus || expired(segment)))) break;
      if (segment.nextOffset > stable) break;
      total -= segment.sizeBytes;
      this.#segments.shift();
      segment.remove();
    }
    const first = present(this.#segments[0], 'first segment').baseOffset;
    if (first > this.#startOffset) this.#startOffset = first;
    this.#producers.forgetBefore(this.#startOffset);
  }

  /** Moves the start of the log up (DeleteRecords). `offset` is at most nextOffset. */
  deleteBefore(offset: bigint): void {
    if (offset <= this.#startOffset) return;
    writeFileAtomically(`${this.directory}/start-offset`, String(offset), true);
    this.#startOffset = offset;
    this.applyRetention(this.#options.clock.nowMs());
  }

  /** Puts one compacted segment in the place of consecutive closed ones; their files are gone after. */
  replaceSegments(old: readonly Segment[], replacement: Segment): void {
    const at = this.#segments.indexOf(present(old[0], 'first replaced segment'));
    this.#segments.splice(at, old.length, replacement);
    for (const segment of old) if (segment.baseOffset !== replacement.baseOffset) segment.remove();
  }

  // -- durability

  /** Fsyncs what was appended since the last time. One at a time; a failed one is tried again. */
  flush(): Promise<void> {
    return this.#flushing.run(() => this.#flushNow());
  }

  async #flushNow(): Promise<void> {
    for (let fd = this.#unsynced[0]; fd !== undefined; fd = this.#unsynced[0]) {
      await fdatasync(fd);
      this.#unsynced.shift();
      await closeFd(fd);
    }
    const fd = this.#active.appendFd;
    if (!this.#dirty || fd === null) return;
    this.#dirty = false;
    try {
      await fdatasync(fd);
    } catch (thrown) {
      this.#dirty = true;
      throw thrown;
    }
  }

  /** Stops appends and wakes waiting readers; fsyncs everything. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const wake of [...this.#waiters]) wake();
    try {
      await this.flush();
    } finally {
      const fd = this.#active.detachFd();
      if (fd !== null) await closeFd(fd);
    }
  }
}
