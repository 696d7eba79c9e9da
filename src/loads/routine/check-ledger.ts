// CHECK ROUTINE LOAD: does the ledger add up, and is what it says in the topic? Judges only; reading the topic again is
// the loader's. Pure.
import type { LedgerRow } from '../../catalog/catalog.ts';
import type { Recount } from '../../model/recount.ts';

export interface LedgerFinding {
  readonly type: 'error' | 'warning' | 'note';
  readonly text: string;
}

const error = (text: string): LedgerFinding => ({ type: 'error', text });
const warning = (text: string): LedgerFinding => ({ type: 'warning', text });
const note = (text: string): LedgerFinding => ({ type: 'note', text });

/** One line by itself. */
export function judgeLine(line: LedgerRow): readonly LedgerFinding[] {
  const findings: LedgerFinding[] = [];
  const offsets = line.toOffset - line.fromOffset;
  if (offsets !== BigInt(line.received + line.skippedGap)) {
    findings.push(
      error(
        `offsets ${line.fromOffset} to ${line.toOffset} are ${offsets}, the ledger has ${line.received} messages and a gap of ${line.skippedGap}`,
      ),
    );
  }
  const { consumed, skippedControl, skippedAborted, skippedEmpty } = line;
  const accounted = consumed + skippedControl + skippedAborted + skippedEmpty;
  if (accounted !== line.received) {
    findings.push(
      error(
        `${line.received} messages were received, ${accounted} are accounted for: ${consumed} consumed, ${skippedControl} control, ${skippedAborted} aborted, ${skippedEmpty} empty`,
      ),
    );
  }
  return findings;
}

/** The lines of one partition in order, and the position that the job goes on from; null = it reads it no more. */
export function judgeChain(
  lines: readonly LedgerRow[],
  position: bigint | null,
): readonly LedgerFinding[] {
  const findings: LedgerFinding[] = [];
  for (const [index, line] of lines.entries()) {
    const previous = lines[index - 1];
    if (previous === undefined) continue;
    const { toOffset: end, segment } = previous;
    if (line.fromOffset > end) {
      findings.push(
        warning(
          `offsets ${end} to ${line.fromOffset} were not read: the position was moved between segments ${segment} and ${line.segment}`,
        ),
      );
    } else if (line.fromOffset < end) {
      const isInside = line.toOffset < end;
      const to = isInside ? line.toOffset : end;
      findings.push(
        warning(
          `offsets ${line.fromOffset} to ${to} are in segments ${segment} and ${line.segment}: the position was moved, and they were loaded twice`,
        ),
      );
    }
  }
  const last = lines.at(-1);
  if (last !== undefined && position !== null && position !== last.toOffset) {
    findings.push(
      error(
        `the position is ${position}, the ledger ends at ${last.toOffset} (segment ${last.segment})`,
      ),
    );
  }
  return findings;
}

/** What the topic still has of a line, against what the line says. `first`, `end`: offsets of the partition now. */
export function judgeRecount(
  line: LedgerRow,
  { first, end }: { readonly first: bigint; readonly end: bigint },
  recount: Recount,
): readonly LedgerFinding[] {
  const findings: LedgerFinding[] = [];
  const { fromOffset, toOffset, consumed, skippedEmpty } = line;
  const from = startOf(line, first);
  if (end < toOffset) {
    findings.push(error(`the partition ends at offset ${end}, the ledger at ${toOffset}`));
  }
  const lost = from - fromOffset;
  const unread = toOffset - recount.reached;
  if (lost > 0n) {
    findings.push(note(`offsets ${fromOffset} to ${from} are deleted: not checkable`));
  }
  if (unread > 0n && end >= toOffset) {
    findings.push(note(`offsets ${recount.reached} to ${toOffset} were not read again (limit)`));
  }
  const range = `offsets ${from} to ${recount.reached}`;
  const expected = consumed + skippedEmpty;
  const missing = BigInt(expected) - BigInt(recount.messages);
  const isWhole = lost === 0n && unread === 0n;
  if (missing < 0n) {
    findings.push(
      error(
        `${range} have ${recount.messages} messages, the ledger has ${expected}: ${-missing} were not loaded`,
      ),
    );
  } else if (missing > lost + unread) {
    findings.push(
      warning(
        `${range} have ${recount.messages} messages, the ledger has ${expected}: ${missing - lost - unread} are no longer in the topic (compaction), not checkable`,
      ),
    );
  } else if (isWhole) findings.push(...judgeWhole(line, recount));
  else {
    findings.push(
      note(`${range} have ${recount.messages} of the ${expected} messages of the ledger`),
    );
  }
  return findings;
}

/** Where reading a line again begins. */
export function startOf({ fromOffset, toOffset }: LedgerRow, first: bigint): bigint {
  if (first > toOffset) return toOffset;
  return first > fromOffset ? first : fromOffset;
}

/** All messages of the line are there: the rest must agree, too. */
function judgeWhole(line: LedgerRow, { messages, empty, rows, skipped }: Recount) {
  const findings: LedgerFinding[] = [];
  const { rowsLoaded, rowsFiltered, rowsUnselected } = line;
  if (skipped !== null) {
    const compared = [
      ['control', skipped.control, line.skippedControl],
      ['aborted', skipped.aborted, line.skippedAborted],
      ['gap', skipped.gap, line.skippedGap],
    ] as const;
    for (const [name, found, known] of compared) {
      if (found === known) continue;
      findings.push(error(`${found} offsets are ${name}, the ledger has ${known}`));
    }
  }
  if (empty !== line.skippedEmpty) {
    findings.push(
      warning(
        `${empty} messages are empty as the job reads them now, the ledger has ${line.skippedEmpty}`,
      ),
    );
  }
  const known = rowsLoaded + rowsFiltered + rowsUnselected;
  const parts = `${rowsLoaded} loaded, ${rowsFiltered} filtered, ${rowsUnselected} unselected`;
  if (rows !== null && rows !== known) {
    findings.push(
      warning(
        `the messages are ${rows} rows as the job reads them now, the ledger has ${known}: ${parts}`,
      ),
    );
  }
  if (findings.length > 0) return findings;
  const counted = rows === null ? '' : ` and ${rows} rows`;
  return [
    note(
      `offsets ${line.fromOffset} to ${line.toOffset}: ${messages} messages${counted} read again, as the ledger has them: ${parts}`,
    ),
  ];
}
