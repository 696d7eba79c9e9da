// Frames around the message schemas: sizes, request and response headers, versions. Knows nothing
// of sockets. A frame is [int32 size][header][body]; encoders write the size, decoders take the
// frame without it.
// SOURCE: Kafka protocol guide, "Protocol"; KIP-482 (headers), KIP-511 (ApiVersions).
import { assert } from '../../base/assert.ts';
import { fail } from '../../base/errors.ts';
import { type AnyApi, APIS, type Api } from './apis.ts';
import { Reader } from './reader.ts';
import { nullableString, type Wire } from './schema.ts';
import { Writer } from './writer.ts';

const FRAME_SIZE_BYTES = 4;
/** Header strings are never compact, not even in the flexible header. */
const HEADER_WIRE: Wire = { version: 0, flexible: false };

const wireOf = (api: AnyApi, version: number): Wire => ({
  version,
  flexible: version >= api.flexibleFrom,
});

function assertVersion(api: AnyApi, version: number): void {
  assert(
    version >= api.minVersion && version <= api.maxVersion,
    `${api.name} version ${version} is between ${api.minVersion} and ${api.maxVersion}`,
  );
}

/** A whole request frame, size included. */
export function encodeRequest<RequestIn>(
  api: Api<unknown, RequestIn, unknown, never>,
  version: number,
  correlationId: number,
  clientId: string | null,
  body: RequestIn,
): Buffer {
  assertVersion(api, version);
  const wire = wireOf(api, version);
  const writer = new Writer();
  writer.int16(api.key);
  writer.int16(version);
  writer.int32(correlationId);
  nullableString.write(writer, clientId, HEADER_WIRE);
  if (wire.flexible) writer.uvarint(0);
  api.request.write(writer, body, wire);
  return Buffer.concat(framed(writer));
}

export interface RequestHeader {
  readonly apiKey: number;
  readonly version: number;
  readonly correlationId: number;
  readonly clientId: string | null;
}

/** A request whose header was read; the body is read when the API and its version are known good. */
export interface PendingRequest extends RequestHeader {
  /** Stands after the client id. */
  readonly reader: Reader;
}

/**
 * Reads the part of a request's header that all versions share.
 * @param frame the frame without its size. @throws KAFKA_MALFORMED
 */
export function decodeRequestHeader(frame: Buffer): PendingRequest {
  const reader = new Reader(frame);
  const apiKey = reader.int16();
  const version = reader.int16();
  const correlationId = reader.int32();
  const clientId = nullableString.read(reader, HEADER_WIRE);
  return { apiKey, version, correlationId, clientId, reader };
}

/** The body of a request whose version the API covers. @throws KAFKA_MALFORMED */
export function decodeRequestBody<RequestOut>(
  api: Api<RequestOut, never, unknown, never>,
  pending: PendingRequest,
): RequestOut {
  assert(pending.apiKey === api.key, `request ${pending.apiKey} is read as ${api.name}`);
  assertVersion(api, pending.version);
  const wire = wireOf(api, pending.version);
  if (wire.flexible) pending.reader.skipTags();
  return api.request.read(pending.reader, wire);
}

/** A whole response frame in pieces, size included; large byte values are not copied. */
export function encodeResponseChunks<ResponseIn>(
  api: Api<unknown, never, unknown, ResponseIn>,
  version: number,
  correlationId: number,
  body: ResponseIn,
): Buffer[] {
  assertVersion(api, version);
  const wire = wireOf(api, version);
  const writer = new Writer();
  writer.int32(correlationId);
  if (hasTaggedResponseHeader(api, wire)) writer.uvarint(0);
  api.response.write(writer, body, wire);
  return framed(writer);
}

/** A whole response frame in one buffer, size included. */
export function encodeResponse<ResponseIn>(
  api: Api<unknown, never, unknown, ResponseIn>,
  version: number,
  correlationId: number,
  body: ResponseIn,
): Buffer {
  return Buffer.concat(encodeResponseChunks(api, version, correlationId, body));
}

/** The correlation id that a response frame (without its size) begins with. */
export function responseCorrelationId(frame: Buffer): number {
  return new Reader(frame).int32();
}

/**
 * The body of a response. Byte values (Fetch records) are slices of `frame`.
 * @param frame the frame without its size. @throws KAFKA_MALFORMED
 */
export function decodeResponse<ResponseOut>(
  api: Api<unknown, never, ResponseOut, never>,
  version: number,
  frame: Buffer,
): ResponseOut {
  assertVersion(api, version);
  const wire = wireOf(api, version);
  const reader = new Reader(frame);
  reader.int32();
  if (hasTaggedResponseHeader(api, wire)) reader.skipTags();
  // A broker that does not know our ApiVersions version answers in version 0 with error 35.
  if (api.key === APIS.ApiVersions.key && version > 0 && isUnsupportedVersion(frame, reader)) {
    return api.response.read(reader, { version: 0, flexible: false });
  }
  return api.response.read(reader, wire);
}

const hasTaggedResponseHeader = (api: AnyApi, wire: Wire): boolean =>
  wire.flexible && api.key !== APIS.ApiVersions.key;

const UNSUPPORTED_VERSION = 35;
const isUnsupportedVersion = (frame: Buffer, reader: Reader): boolean =>
  reader.remaining >= 2 && frame.readInt16BE(reader.position) === UNSUPPORTED_VERSION;

function framed(writer: Writer): Buffer[] {
  if (writer.size > 0x7fffffff) throw fail('KAFKA_MALFORMED', { detail: 'message above 2 GiB' });
  const size = Buffer.allocUnsafe(FRAME_SIZE_BYTES);
  size.writeInt32BE(writer.size, 0);
  return [size, ...writer.chunks()];
}
