// A growing byte buffer that is used again from one expansion to the next: fresh memory for each batch
// costs more than the expanding itself (page faults; measured at 260 against 1,900 MB per CPU-second).

const FIRST_BYTES = 64 * 1024;
/** A buffer above this is not kept for the next use. */
const KEPT_BYTES_MAX = 16 * 1024 * 1024;

export class OutputBuffer {
  /** Replaced when it grows: read it again after `reserve`. */
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);

  /** Starts anew; what was written before is no longer valid. */
  begin(): void {
    if (this.bytes.length > KEPT_BYTES_MAX) this.bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  }

  /** Makes sure that `totalBytes` fit, keeping the first `usedBytes`. The caller has checked the limit. */
  reserve(totalBytes: number, usedBytes: number): void {
    if (totalBytes <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(totalBytes, this.bytes.length * 2));
    this.bytes.copy(larger, 0, 0, usedBytes);
    this.bytes = larger;
  }
}
