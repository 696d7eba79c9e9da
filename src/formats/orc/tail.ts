// What the tail of an ORC file tells: how it is compressed, its types, its stripes; and what a stripe's footer tells of
// its streams. SOURCE: ORC Specification v1, "File Tail", "Stripe Footer"; orc_proto.proto.
import { MalformedFile } from '../malformed-file.ts';
import { Fields } from './fields.ts';
import { type OrcCodec, type OrcCompression, type OrcInput, OrcStream } from './stream.ts';

export type OrcKind =
  | 'boolean'
  | 'byte'
  | 'int'
  | 'float'
  | 'double'
  | 'text'
  | 'binary'
  | 'timestamp'
  | 'instant'
  | 'date'
  | 'decimal'
  | 'list'
  | 'map'
  | 'struct'
  | 'other';

/** By the number of its kind. */
const KINDS: readonly OrcKind[] = [
  'boolean',
  'byte',
  'int',
  'int',
  'int',
  'float',
  'double',
  'text',
  'binary',
  'timestamp',
  'list',
  'map',
  'struct',
  'other',
  'decimal',
  'date',
  'text',
  'text',
  'instant',
];
const CODECS: readonly (OrcCodec | null)[] = ['none', 'zlib', 'snappy', null, 'lz4', 'zstd'];
const CODEC_NAMES = ['NONE', 'ZLIB', 'SNAPPY', 'LZO', 'LZ4', 'ZSTD', 'BROTLI'];

export interface OrcType {
  /** Number of its column. */
  readonly id: number;
  readonly kind: OrcKind;
  readonly children: readonly OrcType[];
  /** Of a struct's children. */
  readonly names: readonly string[];
  readonly scale: number;
}

export interface OrcStripe {
  readonly offset: number;
  readonly indexBytes: number;
  readonly dataBytes: number;
  readonly footerBytes: number;
  readonly rows: number;
}

export interface OrcTail {
  readonly compression: OrcCompression;
  readonly root: OrcType;
  readonly stripes: readonly OrcStripe[];
  readonly rows: number;
}

export interface OrcStripeFooter {
  readonly streams: readonly {
    readonly kind: number;
    readonly column: number;
    readonly bytes: number;
  }[];
  readonly encodings: readonly { readonly kind: number; readonly dictionarySize: number }[];
  /** '' = UTC. */
  readonly timeZone: string;
}

const MAGIC = 'ORC';
const MAX_TAIL_BYTES = 64 * 1024 * 1024;
const MAX_BLOCK_BYTES = 16 * 1024 * 1024;
const DEFAULT_BLOCK_BYTES = 256 * 1024;
const MAX_TYPES = 100_000;
const MAX_DEPTH = 64;
const MAX_SCALE = 1000;

/** Throws MalformedFile. */
export function readOrcTail(input: OrcInput): OrcTail {
  if (input.size < 2 * MAGIC.length || input.read(0, MAGIC.length).toString('latin1') !== MAGIC)
    throw new MalformedFile('it does not begin as an ORC file does');
  const length = input.read(input.size - 1, 1).readUInt8(0);
  if (length + 1 > input.size) throw new MalformedFile('it ends within its tail');
  const postscriptAt = input.size - 1 - length;
  const bytes = input.read(postscriptAt, length);
  if (!bytes.includes(MAGIC)) throw new MalformedFile('it does not end as an ORC file does');
  const postscript = new Fields(bytes);
  const compression = readCompression(postscript);
  const footerBytes = postscript.number(1);
  const footer = readPart(input, postscriptAt - footerBytes, footerBytes, compression);
  if (footer.messages(10).length > 0) throw new MalformedFile('it is encrypted');
  const stripes = footer.messages(3).map((stripe) => ({
    offset: stripe.number(1),
    indexBytes: stripe.number(2),
    dataBytes: stripe.number(3),
    footerBytes: stripe.number(4),
    rows: stripe.number(5),
  }));
  const types = footer.messages(4);
  if (types.length > MAX_TYPES) throw new MalformedFile(`it has ${types.length} columns`);
  const root = new TypeReader(types).read(0, 0);
  if (root.kind !== 'struct') throw new MalformedFile('its rows are no structs');
  return { compression, root, stripes, rows: footer.number(6) };
}

function readCompression(postscript: Fields): OrcCompression {
  const kind = postscript.number(2);
  const codec = CODECS[kind] ?? null;
  if (codec === null)
    throw new MalformedFile(`its compression is ${CODEC_NAMES[kind] ?? kind}, which is not known`);
  const blockBytes = postscript.number(3, DEFAULT_BLOCK_BYTES);
  if (codec !== 'none' && (blockBytes < 1 || blockBytes > MAX_BLOCK_BYTES))
    throw new MalformedFile(`its pieces of compressed data have ${blockBytes} bytes`);
  return { codec, blockBytes };
}

function readPart(
  input: OrcInput,
  offset: number,
  length: number,
  compression: OrcCompression,
): Fields {
  return new Fields(new OrcStream(input, offset, length, compression).rest(MAX_TAIL_BYTES));
}

class TypeReader {
  readonly #types: readonly Fields[];
  readonly #seen = new Set<number>();

  constructor(types: readonly Fields[]) {
    this.#types = types;
  }

  read(id: number, depth: number): OrcType {
    const type = this.#types[id];
    if (type === undefined || this.#seen.has(id) || depth > MAX_DEPTH)
      throw new MalformedFile('its types are damaged');
    this.#seen.add(id);
    const kind = KINDS[type.number(1)] ?? 'other';
    const children = type.numbers(2).map((child) => this.read(child, depth + 1));
    const names = type.texts(3);
    const count = { list: 1, map: 2, struct: names.length }[kind as string] ?? children.length;
    if (children.length !== count) throw new MalformedFile('its types are damaged');
    const scale = type.number(6);
    if (scale > MAX_SCALE) throw new MalformedFile(`a decimal of scale ${scale}`);
    return { id, kind, children, names, scale };
  }
}

/** Throws MalformedFile. */
export function readStripeFooter(
  input: OrcInput,
  { offset, indexBytes, dataBytes, footerBytes }: OrcStripe,
  compression: OrcCompression,
): OrcStripeFooter {
  const footer = readPart(input, offset + indexBytes + dataBytes, footerBytes, compression);
  return {
    streams: footer.messages(1).map((stream) => ({
      kind: stream.number(1),
      column: stream.number(2),
      bytes: stream.number(3),
    })),
    encodings: footer.messages(2).map((encoding) => ({
      kind: encoding.number(1),
      dictionarySize: encoding.number(2),
    })),
    timeZone: footer.text(3),
  };
}
