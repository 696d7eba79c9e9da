// OK, and the EOF that ends rows: a classic EOF packet, or an OK with header 0xfe for clients with
// DEPRECATE_EOF. SOURCE: MySQL source docs, "OK_Packet", "EOF_Packet".
import { CAPABILITY } from '../constants.ts';
import type { OkResult } from '../handler.ts';
import { malformed, type PayloadReader } from './payload-reader.ts';
import { PayloadWriter } from './payload-writer.ts';

const MAX_WARNINGS = 0xffff;

export function writeOk(result: OkResult, statusFlags: number, header: 0x00 | 0xfe = 0x00): Buffer {
  const writer = new PayloadWriter()
    .u8(header)
    .lengthInteger(result.affectedRows ?? 0)
    .lengthInteger(result.lastInsertId ?? 0)
    .u16(statusFlags)
    .u16(Math.min(result.warnings ?? 0, MAX_WARNINGS));
  // The docs say string<EOF> here; every server and client has it length-encoded, and Connector/J insists.
  if (result.info !== undefined && result.info !== '') writer.lengthText(result.info);
  return writer.finish();
}

export function readOk(reader: PayloadReader): Required<OkResult> & { statusFlags: number } {
  const header = reader.u8();
  if (header !== 0x00 && header !== 0xfe) throw malformed('not an OK packet');
  const affectedRows = reader.lengthInteger();
  const lastInsertId = reader.lengthInteger();
  const statusFlags = reader.u16();
  const warnings = reader.u16();
  const info = reader.remaining > 0 ? reader.lengthText() : '';
  return { affectedRows, lastInsertId, statusFlags, warnings, info };
}

/** What ends rows (and answers COM_SET_OPTION). */
export function writeEof(capabilities: number, warnings: number, statusFlags: number): Buffer {
  if (capabilities & CAPABILITY.deprecateEof) return writeOk({ warnings }, statusFlags, 0xfe);
  return new PayloadWriter()
    .u8(0xfe)
    .u16(Math.min(warnings, MAX_WARNINGS))
    .u16(statusFlags)
    .finish();
}
