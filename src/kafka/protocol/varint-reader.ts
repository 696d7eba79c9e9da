// Reads Kafka's zigzag varints from a byte array at a moving position. It never throws and never reads
// past the array: bad or missing bytes set `broken`, which the caller checks once per record.

export class VarintReader {
  bytes: Uint8Array = new Uint8Array(0);
  position = 0;
  /** True once a varint was longer than its type allows. The caller reports it. */
  broken = false;

  /** Points the reader at new bytes and clears `broken`. */
  reset(bytes: Uint8Array, position: number): void {
    this.bytes = bytes;
    this.position = position;
    this.broken = false;
  }

  /** A signed 32-bit varint (zigzag). */
  int32(): number {
    const first = this.bytes[this.position] ?? 0;
    this.position += 1;
    if (first < 128) return (first >>> 1) ^ -(first & 1);
    const second = this.bytes[this.position] ?? 0;
    this.position += 1;
    const low = (first & 127) | ((second & 127) << 7);
    const raw = second < 128 ? low : this.#int32Rest(low);
    return (raw >>> 1) ^ -(raw & 1);
  }

  #int32Rest(low: number): number {
    let raw = low;
    for (let shift = 14; shift <= 28; shift += 7) {
      const byte = this.bytes[this.position] ?? 0;
      this.position += 1;
      raw |= (byte & 127) << shift;
      if (byte < 128) {
        if (shift === 28 && byte > 15) this.broken = true;
        return raw;
      }
    }
    this.broken = true;
    return 0;
  }

  /** A signed 64-bit varint (zigzag) as a number: exact up to 2^52, rounded above. */
  int64AsNumber(): number {
    const first = this.bytes[this.position] ?? 0;
    this.position += 1;
    if (first < 128) return (first >>> 1) ^ -(first & 1);
    let raw = first & 127;
    let factor = 128;
    for (let length = 2; length <= 10; length += 1) {
      const byte = this.bytes[this.position] ?? 0;
      this.position += 1;
      raw += (byte & 127) * factor;
      if (byte < 128) return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
      factor *= 128;
    }
    this.broken = true;
    return 0;
  }
}
