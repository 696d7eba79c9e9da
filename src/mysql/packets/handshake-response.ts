// HandshakeResponse41 and the SSLRequest that may come before it (its first 32 bytes alone).
// `u32 capabilities | u32 max packet | u8 charset | 23 zeros | user 0 | auth response | [database 0] |
// [plugin 0] | [attributes]`. SOURCE: MySQL source docs, "Protocol::HandshakeResponse41".
import { CAPABILITY } from '../constants.ts';
import { malformed, type PayloadReader } from './payload-reader.ts';
import { PayloadWriter } from './payload-writer.ts';

export interface HandshakeResponse {
  readonly capabilities: number;
  readonly maxPacketBytes: number;
  readonly charset: number;
  readonly user: string;
  readonly authResponse: Buffer;
  readonly database: string | null;
  /** The plugin that made `authResponse`; null when the client does not say. */
  readonly plugin: string | null;
  readonly attributes: ReadonlyMap<string, string>;
}

const SSL_REQUEST_BYTES = 32;

/** True for the short packet that asks for TLS before any user name is sent. */
export function isTlsRequest(payload: Buffer): boolean {
  return payload.length === SSL_REQUEST_BYTES && (payload.readUInt32LE(0) & CAPABILITY.tls) !== 0;
}

export function readHandshakeResponse(reader: PayloadReader): HandshakeResponse {
  const capabilities = reader.u32();
  if ((capabilities & CAPABILITY.protocol41) === 0) {
    throw malformed('the client is older than protocol 4.1');
  }
  const maxPacketBytes = reader.u32();
  const charset = reader.u8();
  reader.skip(23);
  const user = reader.zeroText();
  const authResponse = readAuthResponse(reader, capabilities);
  const has = (flag: number): boolean => (capabilities & flag) !== 0 && reader.remaining > 0;
  const database = has(CAPABILITY.connectWithDatabase) ? reader.zeroText() : '';
  const plugin = has(CAPABILITY.pluginAuth) ? reader.zeroText() : null;
  const attributes = has(CAPABILITY.connectAttributes) ? readAttributes(reader) : new Map();
  return {
    capabilities,
    maxPacketBytes,
    charset,
    user,
    authResponse,
    database: database === '' ? null : database,
    plugin,
    attributes,
  };
}

export function writeHandshakeResponse(response: HandshakeResponse): Buffer {
  const { capabilities } = response;
  const writer = new PayloadWriter(256)
    .u32(capabilities)
    .u32(response.maxPacketBytes)
    .u8(response.charset)
    .zeros(23)
    .zeroText(response.user);
  if (capabilities & CAPABILITY.pluginAuthLengthEncoded) writer.lengthBytes(response.authResponse);
  else if (capabilities & CAPABILITY.secureConnection) {
    writer.u8(response.authResponse.length).bytes(response.authResponse);
  } else writer.bytes(response.authResponse).u8(0);
  if (capabilities & CAPABILITY.connectWithDatabase) writer.zeroText(response.database ?? '');
  if (capabilities & CAPABILITY.pluginAuth) writer.zeroText(response.plugin ?? '');
  if (capabilities & CAPABILITY.connectAttributes) {
    const attributes = new PayloadWriter();
    for (const [key, value] of response.attributes) attributes.lengthText(key).lengthText(value);
    writer.lengthBytes(attributes.finish());
  }
  return writer.finish();
}

function readAuthResponse(reader: PayloadReader, capabilities: number): Buffer {
  if (capabilities & CAPABILITY.pluginAuthLengthEncoded) return reader.lengthBytes();
  if (capabilities & CAPABILITY.secureConnection) return reader.bytes(reader.u8());
  return reader.zeroBytes();
}

/** Key and value pairs, as sent at connect and by COM_CHANGE_USER. */
export function readAttributes(reader: PayloadReader): Map<string, string> {
  const sizeBytes = reader.lengthInteger();
  const end = reader.position + sizeBytes;
  const attributes = new Map<string, string>();
  while (reader.position < end) {
    const key = reader.lengthText();
    attributes.set(key, reader.lengthText());
  }
  return attributes;
}
