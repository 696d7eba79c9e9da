// The answer to COM_STMT_PREPARE: `00 | u32 statement id | u16 columns | u16 parameters | 00 | u16 warnings`.
// Definitions of parameters, then of columns, follow. SOURCE: MySQL source docs, "COM_STMT_PREPARE Response".
import { malformed, type PayloadReader } from './payload-reader.ts';
import { PayloadWriter } from './payload-writer.ts';

export interface PrepareOk {
  readonly statementId: number;
  readonly columnCount: number;
  readonly parameterCount: number;
}

export function writePrepareOk(prepared: PrepareOk): Buffer {
  return new PayloadWriter(12)
    .u8(0)
    .u32(prepared.statementId)
    .u16(prepared.columnCount)
    .u16(prepared.parameterCount)
    .u8(0)
    .u16(0)
    .finish();
}

export function readPrepareOk(reader: PayloadReader): PrepareOk {
  if (reader.u8() !== 0) throw malformed('not a prepare answer');
  return { statementId: reader.u32(), columnCount: reader.u16(), parameterCount: reader.u16() };
}
