// What becomes of the records of a REPLAY: which rows of their messages they stand for, whether those were loaded, and
// what is wrong with the others. Pure.
import { present } from '../base/assert.ts';
import type { KafkaLoadPlan } from '../model/load-plan.ts';
import type { PackedBatch } from './decode/packed-batch.ts';
import type { ReplayRecord } from './replay-records.ts';
import type { KeptMessage } from './source/kept-batch.ts';
import { DROP_CODE } from './transform/drop-code.ts';
import type { DropRecorder, WantsElement } from './transform/drop-recorder.ts';
import type { RejectContext, RejectedRow } from './transform/error-rows.ts';
import { type LocatedRow, shownTables } from './transform/rejected-rows.ts';

/** The rows that some records stand for. */
interface Wanted {
  /** Several stand for the same rows where a message becomes several rows that are made of all of it. */
  readonly ids: number[];
  rows: number;
  filtered: number;
}

/** Bytes of a message that some records are made of. */
interface Place {
  readonly start: number;
  readonly end: number;
  /** By the element of an UNNEST; null = all rows that are made of those bytes. */
  readonly rows: Map<number | null, Wanted>;
}

/** A record that is written again: null = it was replayed, else why it cannot be. */
export interface CopiedRecord {
  readonly id: number;
  readonly why: string | null;
}

export class Replayed {
  /** The messages to load, each once. */
  readonly messages: readonly KeptMessage[];
  readonly #records: readonly ReplayRecord[];
  /** By message, then by `start:end`. */
  readonly #places: readonly Map<string, Place>[];
  readonly #copies: CopiedRecord[] = [];
  /** Messages of which rows were left out that are not wanted. */
  readonly #leftOut = new Set<number>();
  unselected = 0;

  constructor(records: readonly ReplayRecord[]) {
    this.#records = records;
    const messages: KeptMessage[] = [];
    const places: Map<string, Place>[] = [];
    const indices = new Map<string, number>();
    for (const [id, record] of records.entries()) {
      const why = whyNot(record);
      if (record.message === null || why !== null) {
        this.#copies.push({ id, why });
        continue;
      }
      let index = indices.get(record.messageKey);
      if (index === undefined) {
        index = messages.push(record.message) - 1;
        indices.set(record.messageKey, index);
        places.push(new Map());
      }
      want(present(places[index], 'the places of a message'), record, id);
    }
    this.messages = messages;
    this.#places = places;
  }

  /** For packing. A row that is rejected whole is wanted only where all rows of its place are. */
  wants(record: number, start: number, end: number, what: 'line' | 'reject'): boolean {
    const place = this.#place(record, start, end);
    const isWanted = place !== null && (what === 'line' || place.rows.has(null));
    if (!isWanted) this.#leftOut.add(record);
    return isWanted;
  }

  /** For the rows of the lines; null: every row of a packed line is wanted. */
  elementsOf(packed: PackedBatch): WantsElement | null {
    const isWhole = this.#places.every((places) =>
      [...places.values()].every(({ rows }) => rows.has(null)),
    );
    if (isWhole) return null;
    return (line, element) => {
      const isWanted = this.#ofLine(packed, line, element) !== null;
      if (!isWanted) this.#leftOut.add(packed.recordOfLine(line));
      return isWanted;
    };
  }

  /** Counts the rows that were made: call once, before `copies`, `unselected` and `again`. */
  note(packed: PackedBatch, drops: DropRecorder): void {
    for (const { record, start, end } of packed.rejects) {
      const wanted = present(this.#of(record, start, end, null), 'a wanted row');
      wanted.rows += 1;
      wanted.filtered += 1;
    }
    const count = (line: number, element: number | null): void => {
      const wanted = this.#ofLine(packed, line, element);
      if (wanted !== null) wanted.rows += 1;
    };
    for (let line = 0; line < packed.lineCount; line += 1) {
      const rows = drops.lineRows?.rowsOf(line);
      if (rows === undefined) count(line, null);
      for (let element = 0; element < (rows ?? 0); element += 1) count(line, element);
    }
    drops.forEach((line, code, element) => {
      const wanted = present(this.#ofLine(packed, line, element), 'a wanted row');
      // A line that should have rows and has none.
      if (element === null && drops.lineRows !== null) wanted.rows += 1;
      if (code === DROP_CODE.unselected) this.unselected += 1;
      else wanted.filtered += 1;
    });
    for (const [record, places] of this.#places.entries()) {
      const isSplitAnew = this.#leftOut.has(record);
      for (const { rows } of places.values()) {
        for (const wanted of rows.values()) this.#settle(wanted, isSplitAnew);
      }
    }
  }

  #settle({ rows, filtered, ids }: Wanted, isSplitAnew: boolean): void {
    if (rows === 0 && isSplitAnew) {
      for (const id of ids) this.#copies.push({ id, why: NO_ROW });
      return;
    }
    // A message that is none of the table's business now.
    if (rows === 0) this.unselected += 1;
    // Where all rows failed again they take the record's place.
    if (filtered === rows && rows > 0) return;
    for (const id of ids) this.#copies.push({ id, why: null });
  }

  /** Records that are written again as they were. */
  get copies(): readonly CopiedRecord[] {
    return this.#copies;
  }

  /** Why records cannot be replayed. */
  samples(count: number): readonly string[] {
    const reasons = this.#copies.flatMap(({ why }) => (why === null ? [] : [why]));
    return [...new Set(reasons)].slice(0, count);
  }

  /** A row that was rejected again, with what its record said before. */
  again(
    { record, start, end, row }: LocatedRow,
    load: KafkaLoadPlan,
    transactionId: number,
  ): { readonly row: RejectedRow; readonly context: RejectContext } {
    const source = present(row.source, 'the message of a row');
    const place = present(this.#place(record, start, end), 'a wanted place');
    const wanted = present(this.#of(record, start, end, source.element ?? null), 'a wanted row');
    const old = present(this.#records[present(wanted.ids[0], 'a record')], 'a record');
    const placed = {
      ...source,
      rowStart: Math.max(source.rowStart, place.start),
      rowEnd: Math.min(source.rowEnd, place.end),
    };
    return {
      row: { ...row, source: placed },
      context: {
        nowMs: old.createdMs,
        loadType: 'ROUTINE_LOAD',
        jobId: load.jobId,
        replay: { transactionId, count: old.replays + 1 },
        label: old.label,
        transactionId: old.transactionId,
        userName: old.userName,
        database: load.target.databaseName,
        table: shownTables(load),
      },
    };
  }

  #ofLine(packed: PackedBatch, line: number, element: number | null): Wanted | null {
    const { start, end } = packed.rangeOfLine(line);
    return this.#of(packed.recordOfLine(line), start, end, element);
  }

  #of(record: number, start: number, end: number, element: number | null): Wanted | null {
    const rows = this.#place(record, start, end)?.rows;
    return rows?.get(element) ?? rows?.get(null) ?? null;
  }

  /** The smallest place that the bytes lie in; null: none. */
  #place(record: number, start: number, end: number): Place | null {
    const places = present(this.#places[record], 'the places of a message');
    const exact = places.get(`${start}:${end}`);
    if (exact !== undefined) return exact;
    for (const place of places.values()) {
      if (place.start <= start && end <= place.end) return place;
    }
    return null;
  }
}

function want(places: Map<string, Place>, record: ReplayRecord, id: number): void {
  const { rowStart: start, rowEnd: end, element } = record;
  const key = `${start}:${end}`;
  const place = places.get(key) ?? { start, end, rows: new Map<number | null, Wanted>() };
  places.set(key, place);
  const wanted = place.rows.get(element);
  if (wanted === undefined) place.rows.set(element, { ids: [id], rows: 0, filtered: 0 });
  else wanted.ids.push(id);
}

const NO_ROW =
  'REPLAY: as the job reads its message now, no row of the message lies where this one was; rows beside it were loaded, so the message is not loaded as a whole';

function whyNot({ message, valueBytes }: ReplayRecord): string | null {
  if (message === null) return 'REPLAY: the value of its message is not kept any more';
  const { value, partition, offset } = message;
  if (value.length === valueBytes) return null;
  return `REPLAY: only ${value.length} of the ${valueBytes} bytes of its message are kept (rejected_message_max_bytes); it can be read again at offset ${offset} of partition ${partition} while the topic has it`;
}
