// One segment of a partition's log: a file of whole record batches, and a sparse index over it in
// memory (saved beside a closed segment). A segment only grows, until it is closed, replaced by
// compaction, or removed. Closed segments keep no file open.
import * as fs from 'node:fs';
import * as path from 'node:path';
import { type BatchHeader, nextOffsetAfter } from '../protocol/batch-header.ts';
import { findBatch, hasGoodChecksum, type ScannedBatch, scanBatches } from './batch-scan.ts';
import { onDisk, readTextIfThere, writeFileAtomically, writeFully } from './disk.ts';

/** One index entry per this many bytes; also the most that a lookup walks. */
const INDEX_INTERVAL_BYTES = 16 * 1024;
const OFFSET_DIGITS = 20;

/** File name of the segment that begins at `baseOffset`, with a suffix such as '.log'. */
export function segmentFile(directory: string, baseOffset: bigint, suffix: string): string {
  return path.join(directory, `${String(baseOffset).padStart(OFFSET_DIGITS, '0')}${suffix}`);
}

interface IndexFile {
  readonly sizeBytes: number;
  readonly nextOffset: string;
  readonly maxTimestampMs: number;
  readonly deltas: readonly number[];
  readonly positions: readonly number[];
  readonly timestamps: readonly number[];
}

export class Segment {
  readonly directory: string;
  readonly baseOffset: bigint;
  /** Wall clock when the segment was begun. */
  readonly createdAtMs: number;
  #sizeBytes = 0;
  #nextOffset: bigint;
  /** Greatest timestamp of its batches, -1 when it has none. */
  #maxTimestampMs = -1;
  /** Offset after base, position, and greatest timestamp of the batches before, per index entry. */
  #deltas: number[] = [];
  #positions: number[] = [];
  #timestamps: number[] = [];
  /** Open while the segment is the one appended to. */
  #fd: number | null = null;

  constructor(directory: string, baseOffset: bigint, createdAtMs: number) {
    this.directory = directory;
    this.baseOffset = baseOffset;
    this.#nextOffset = baseOffset;
    this.createdAtMs = createdAtMs;
  }

  get file(): string {
    return segmentFile(this.directory, this.baseOffset, '.log');
  }
  get sizeBytes(): number {
    return this.#sizeBytes;
  }
  /** Offset after the last batch; the base offset while there is none. */
  get nextOffset(): bigint {
    return this.#nextOffset;
  }
  get maxTimestampMs(): number {
    return this.#maxTimestampMs;
  }
  /** File descriptor while the segment takes appends, for fsync. */
  get appendFd(): number | null {
    return this.#fd;
  }

  /** Opens (or creates) the file for appends. What is in it already must have been read by recover(). */
  openForAppend(): void {
    onDisk(this.file, () => {
      const flags = fs.constants.O_RDWR | fs.constants.O_CREAT;
      this.#fd = fs.openSync(this.file, flags, 0o644);
      fs.rmSync(segmentFile(this.directory, this.baseOffset, '.index'), { force: true });
    });
  }

  /**
   * Reads the file batch by batch with checksums and cuts it behind the last good one: the state
   * after a crash. @returns how many bytes were cut off
   */
  recover(onBatch: (header: BatchHeader, bytes: Buffer) => void): number {
    this.#reset();
    const fd = fs.openSync(this.file, 'r+');
    try {
      const fileBytes = fs.fstatSync(fd).size;
      for (const { header, bytes } of scanBatches(fd, 0, fileBytes)) {
        if (header.baseOffset < this.#nextOffset || !hasGoodChecksum(bytes, header)) break;
        this.#note(header);
        onBatch(header, bytes);
      }
      if (fileBytes > this.#sizeBytes) fs.ftruncateSync(fd, this.#sizeBytes);
      return fileBytes - this.#sizeBytes;
    } finally {
      fs.closeSync(fd);
    }
  }

  /** Loads the saved index of a closed segment. @returns false when it is missing or not of this file */
  loadIndex(): boolean {
    const text = readTextIfThere(segmentFile(this.directory, this.baseOffset, '.index'));
    if (text === null) return false;
    const saved = parseIndex(text);
    if (saved === null || saved.sizeBytes !== fs.statSync(this.file).size) return false;
    this.#sizeBytes = saved.sizeBytes;
    this.#nextOffset = BigInt(saved.nextOffset);
    this.#maxTimestampMs = saved.maxTimestampMs;
    this.#deltas = [...saved.deltas];
    this.#positions = [...saved.positions];
    this.#timestamps = [...saved.timestamps];
    return true;
  }

  saveIndex(): void {
    const saved: IndexFile = {
      sizeBytes: this.#sizeBytes,
      nextOffset: String(this.#nextOffset),
      maxTimestampMs: this.#maxTimestampMs,
      deltas: this.#deltas,
      positions: this.#positions,
      timestamps: this.#timestamps,
    };
    const file = segmentFile(this.directory, this.baseOffset, '.index');
    writeFileAtomically(file, JSON.stringify(saved), false);
  }

  /** Appends one batch whose header already carries its final offset. All of it or nothing. */
  append(batch: Buffer, header: BatchHeader): void {
    const fd = this.#fd;
    if (fd === null) throw new Error(`segment ${this.file} is closed`);
    try {
      onDisk(this.file, () => writeFully(fd, batch, this.#sizeBytes));
    } catch (thrown) {
      if (fs.fstatSync(fd).size > this.#sizeBytes) fs.ftruncateSync(fd, this.#sizeBytes);
      throw thrown;
    }
    this.#note(header);
  }

  /** Takes the descriptor away: the caller fsyncs and closes it. */
  detachFd(): number | null {
    const fd = this.#fd;
    this.#fd = null;
    return fd;
  }

  #reset(): void {
    this.#sizeBytes = 0;
    this.#nextOffset = this.baseOffset;
    this.#maxTimestampMs = -1;
    this.#deltas = [];
    this.#positions = [];
    this.#timestamps = [];
  }

  #note(header: BatchHeader): void {
    const lastIndexed = this.#positions.at(-1);
    if (lastIndexed === undefined || this.#sizeBytes - lastIndexed >= INDEX_INTERVAL_BYTES) {
      this.#deltas.push(Number(header.baseOffset - this.baseOffset));
      this.#positions.push(this.#sizeBytes);
      this.#timestamps.push(this.#maxTimestampMs);
    }
    this.#sizeBytes += header.totalBytes;
    this.#nextOffset = nextOffsetAfter(header);
    this.#maxTimestampMs = Math.max(this.#maxTimestampMs, Number(header.maxTimestamp));
  }

  /** Runs `work` with the file open for reading. */
  withFile<T>(work: (fd: number) => T): T {
    if (this.#fd !== null) return work(this.#fd);
    const fd = fs.openSync(this.file, 'r');
    try {
      return work(fd);
    } finally {
      fs.closeSync(fd);
    }
  }

  /** Where the batch that holds `offset` (or the next one after a gap) begins; null past the end. */
  locate(fd: number, offset: bigint): { position: number; header: BatchHeader } | null {
    const delta = Number(offset - this.baseOffset);
    const entry = lastAtMost(this.#deltas, delta);
    const from = this.#positions[entry] ?? 0;
    return findBatch(fd, from, this.#sizeBytes, (header) => nextOffsetAfter(header) > offset);
  }

  /** Bytes from the batch that holds `offset` to the end, a little too many rather than too few. */
  bytesFrom(offset: bigint): number {
    const entry = lastAtMost(this.#deltas, Number(offset - this.baseOffset));
    return this.#sizeBytes - (this.#positions[entry] ?? 0);
  }

  /** First batch at or after `position` whose greatest timestamp is at least `timestampMs`. */
  locateTimestamp(
    fd: number,
    timestampMs: number,
    position: number,
  ): { position: number; header: BatchHeader } | null {
    const indexed = this.#positions[lastBelow(this.#timestamps, timestampMs)] ?? 0;
    return findBatch(
      fd,
      Math.max(indexed, position),
      this.#sizeBytes,
      (header) => Number(header.maxTimestamp) >= timestampMs,
    );
  }

  /** All batches in order. The bytes of one are valid until the next is asked for. */
  *batches(): Generator<ScannedBatch> {
    const fd = fs.openSync(this.file, 'r');
    try {
      yield* scanBatches(fd, 0, this.#sizeBytes);
    } finally {
      fs.closeSync(fd);
    }
  }

  /** Removes the segment's files. */
  remove(): void {
    const fd = this.detachFd();
    if (fd !== null) fs.closeSync(fd);
    for (const suffix of ['.log', '.index', '.snapshot']) {
      fs.rmSync(segmentFile(this.directory, this.baseOffset, suffix), { force: true });
    }
  }
}

function parseIndex(text: string): IndexFile | null {
  try {
    return JSON.parse(text) as IndexFile; // written by saveIndex, atomically
  } catch {
    return null; // a damaged index is rebuilt from the segment
  }
}

/** Last place in ascending `values` that holds at most `limit`; -1 when all are greater. */
function lastAtMost(values: readonly number[], limit: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? 0) <= limit) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Last place in ascending `values` that holds less than `limit`; -1 when there is none. */
function lastBelow(values: readonly number[], limit: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? 0) < limit) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
