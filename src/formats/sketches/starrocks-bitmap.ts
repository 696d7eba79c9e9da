// BITMAP values as StarRocks writes them (bitmap_to_binary, bitmap_to_base64): a type byte, then one value,
// a list of values, or 32-bit roaring bitmaps. SOURCE: comments on the type codes in StarRocks' bitmap
// headers, and the documented answers of bitmap_to_binary and bitmap_to_base64.
import { Bitmap, BitmapBuilder } from './bitmap.ts';
import { decode32, encode32, groupsOf } from './bitmap-codec.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import type { Container } from './container.ts';

const TYPE = {
  empty: 0,
  single32: 1,
  bitmap32: 2,
  single64: 3,
  bitmap64: 4,
  set: 10,
  bitmap32V2: 12,
  bitmap64V2: 13,
} as const;
const TWO_POW_32 = 1n << 32n;
/** First byte of a 32-bit bitmap in the V2 types: plain values or the standard format. */
const V2_ARRAY = 1;
const V2_STANDARD = 2;

export function encodeStarrocksBitmap(bitmap: Bitmap): Buffer {
  const out = new ByteWriter();
  const size = bitmap.size;
  const max = bitmap.max ?? 0n;
  if (size === 0) {
    out.u8(TYPE.empty);
  } else if (size === 1) {
    out.u8(max < TWO_POW_32 ? TYPE.single32 : TYPE.single64);
    if (max < TWO_POW_32) out.u32(Number(max));
    else out.u64(max);
  } else {
    const groups = groupsOf(bitmap);
    const isNarrow = max < TWO_POW_32;
    out.u8(isNarrow ? TYPE.bitmap32 : TYPE.bitmap64);
    if (!isNarrow) out.varint(groups.length);
    for (const { high, keys, containers } of groups) {
      if (!isNarrow) out.u32(high);
      encode32(out, keys, containers, false);
    }
  }
  return out.done();
}

/** @throws MalformedSketch */
export function decodeStarrocksBitmap(bytes: Uint8Array): Bitmap {
  const reader = new ByteReader(bytes, 'bitmap of StarRocks');
  const bitmap = decodeTyped(reader, reader.u8());
  reader.end();
  return bitmap;
}

function decodeTyped(reader: ByteReader, type: number): Bitmap {
  switch (type) {
    case TYPE.empty:
      return Bitmap.EMPTY;
    case TYPE.single32:
      return Bitmap.of(BigInt(reader.u32()));
    case TYPE.single64:
      return Bitmap.of(reader.u64());
    case TYPE.set: {
      const count = reader.u32();
      if (count * 8 > reader.left) throw reader.malformed();
      const builder = new BitmapBuilder();
      for (let index = 0; index < count; index += 1) builder.add(reader.u64());
      return builder.build();
    }
    case TYPE.bitmap32:
    case TYPE.bitmap32V2:
      return decodeGroups(reader, 1, type === TYPE.bitmap32V2, false);
    case TYPE.bitmap64:
    case TYPE.bitmap64V2:
      return decodeGroups(reader, reader.varint(), type === TYPE.bitmap64V2, true);
    default:
      throw reader.malformed();
  }
}

function decodeGroups(reader: ByteReader, count: number, isV2: boolean, hasHigh: boolean): Bitmap {
  if (count > reader.left) throw reader.malformed();
  const builder = new BitmapBuilder();
  for (let group = 0; group < count; group += 1) {
    const high = hasHigh ? reader.u32() : 0;
    const form = isV2 ? reader.u8() : V2_STANDARD;
    if (form === V2_ARRAY) {
      for (const low of reader.u32s(reader.u32())) {
        builder.add((BigInt(high) << 32n) | BigInt(low));
      }
    } else if (form === V2_STANDARD) {
      const [keys, containers]: [number[], Container[]] = [[], []];
      decode32(reader, high, keys, containers);
      builder.addAll(new Bitmap(keys, containers));
    } else {
      throw reader.malformed();
    }
  }
  return builder.build();
}
