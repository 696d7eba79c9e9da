// HandshakeV10: the server's greeting. `u8 10 | version 0 | u32 connection id | 8 bytes scramble | 0 |
// u16 capabilities low | u8 charset | u16 status | u16 capabilities high | u8 21 | 10 zeros |
// 12 bytes scramble 0 | plugin name 0`. SOURCE: MySQL source docs, "Protocol::HandshakeV10".
import { type AuthPlugin, CHARSET_UTF8MB4, SCRAMBLE_BYTES, STATUS } from '../constants.ts';
import { malformed, type PayloadReader } from './payload-reader.ts';
import { PayloadWriter } from './payload-writer.ts';

const PROTOCOL_VERSION = 10;
const FIRST_SCRAMBLE_BYTES = 8;

export interface Handshake {
  readonly serverVersion: string;
  readonly connectionId: number;
  /** 20 bytes, see auth/scramble.ts. */
  readonly scramble: Buffer;
  readonly capabilities: number;
  readonly plugin: AuthPlugin;
}

export function writeHandshake(handshake: Handshake): Buffer {
  return new PayloadWriter(128)
    .u8(PROTOCOL_VERSION)
    .zeroText(handshake.serverVersion)
    .u32(handshake.connectionId)
    .bytes(handshake.scramble.subarray(0, FIRST_SCRAMBLE_BYTES))
    .u8(0)
    .u16(handshake.capabilities & 0xffff)
    .u8(CHARSET_UTF8MB4)
    .u16(STATUS.autocommit)
    .u16(handshake.capabilities >>> 16)
    .u8(SCRAMBLE_BYTES + 1)
    .zeros(10)
    .bytes(handshake.scramble.subarray(FIRST_SCRAMBLE_BYTES, SCRAMBLE_BYTES))
    .u8(0)
    .zeroText(handshake.plugin)
    .finish();
}

export function readHandshake(reader: PayloadReader): Handshake {
  if (reader.u8() !== PROTOCOL_VERSION) throw malformed('not a version 10 handshake');
  const serverVersion = reader.zeroText();
  const connectionId = reader.u32();
  const first = reader.bytes(FIRST_SCRAMBLE_BYTES);
  reader.skip(1);
  const low = reader.u16();
  reader.skip(3);
  const high = reader.u16();
  reader.skip(11);
  const scramble = Buffer.concat([first, reader.bytes(SCRAMBLE_BYTES - FIRST_SCRAMBLE_BYTES)]);
  reader.skip(1);
  const plugin = reader.zeroText();
  if (plugin !== 'mysql_native_password' && plugin !== 'caching_sha2_password') {
    throw malformed(`unknown authentication plugin ${plugin}`);
  }
  return {
    serverVersion,
    connectionId,
    scramble,
    capabilities: (low | (high << 16)) >>> 0,
    plugin,
  };
}
