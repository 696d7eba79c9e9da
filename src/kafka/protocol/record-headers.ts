// Reads the header block of one record, for the rare row whose headers are wanted.
import { fail } from '../../base/errors.ts';
import { VarintReader } from './varint-reader.ts';

export interface RecordHeader {
  readonly key: string;
  readonly value: Buffer | null;
}

/** Headers of the block at `start`, `length` bytes long. Views into `data`. Throws KAFKA_MALFORMED_HEADERS. */
export function readRecordHeaders(data: Buffer, start: number, length: number): RecordHeader[] {
  const end = start + length;
  const reader = new VarintReader();
  reader.reset(data, start);
  const bytesOf = (size: number): Buffer => {
    const at = reader.position;
    if (size < 0 || reader.broken || at + size > end)
      throw fail('KAFKA_MALFORMED_HEADERS', {
        detail: `a field of ${size} bytes at ${at - start}`,
      });
    reader.position = at + size;
    return data.subarray(at, at + size);
  };
  const count = reader.int32();
  if (count < 0 || count * 2 > length)
    throw fail('KAFKA_MALFORMED_HEADERS', { detail: `${count} headers in ${length} bytes` });
  const headers: RecordHeader[] = [];
  for (let index = 0; index < count; index += 1) {
    const key = bytesOf(reader.int32()).toString('utf8');
    const valueBytes = reader.int32();
    headers.push({ key, value: valueBytes === -1 ? null : bytesOf(valueBytes) });
  }
  return headers;
}
