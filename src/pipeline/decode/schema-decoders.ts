// The decoders of a job by schema id: asked of the registry before a batch is packed, since packing does not
// wait, and kept for the task's life (bounded). A registry that does not answer is asked again, visibly;
// an id that it does not know makes its rows rejected rows.
import { present } from '../../base/assert.ts';
import type { Clock } from '../../base/clock.ts';
import { type AppError, toAppError } from '../../base/errors.ts';
import type { ByteReader } from '../../formats/byte-reader.ts';
import type { LineWriter } from '../../formats/json/line-writer.ts';
import type { RegisteredSchema, SchemaAnswer } from '../../registry/client.ts';
import type { RawBatch, SourceTrouble } from '../types.ts';

/** Writes the message that the reader stands in (behind its schema id) as one JSON object. Throws MalformedMessage. */
export type LineDecoder = (from: ByteReader, out: LineWriter) => void;

/** A schema's decoder, or why there is none. */
export type DecoderEntry =
  | { readonly decode: LineDecoder }
  | { readonly decode: null; readonly reason: string };

export interface Registry {
  schema(id: number, signal: AbortSignal): Promise<SchemaAnswer>;
}

export interface SchemaDecodersOptions {
  readonly registry: Registry;
  readonly clock: Clock;
  /** Never throws: a schema that cannot be used has a reason. */
  readonly compile: (schema: RegisteredSchema) => DecoderEntry;
  readonly onTrouble: (trouble: SourceTrouble | null) => void;
}

/** Schema ids of one job kept at once; the oldest goes first. */
const MAX_DECODERS = 1_000;
/** Ids that one batch may ask for: a topic of other bytes has one in every message. */
const MAX_ASKED = 200;
const TOO_MANY: DecoderEntry = {
  decode: null,
  reason: `its schema id was not looked up: messages read together with it have more than ${MAX_ASKED} others`,
};
/** An id that was not there may be there later. */
const MISSING_AGAIN_MS = 30_000;
const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 2_000;
/** Trouble that lasts longer ends the task, as a broker's does. */
const TROUBLE_LIMIT_MS = 15_000;
/** Magic byte of Confluent's wire format, and the bytes up to the schema's end. */
export const MAGIC = 0;
export const ID_END = 5;

interface Kept {
  readonly entry: DecoderEntry;
  readonly againAtMs: number;
}

export class SchemaDecoders {
  readonly #options: SchemaDecodersOptions;
  readonly #kept = new Map<number, Kept>();
  readonly #batches = new WeakMap<RawBatch, ReadonlyMap<number, DecoderEntry>>();

  constructor(options: SchemaDecodersOptions) {
    this.#options = options;
  }

  /** The decoders of a batch's schema ids, once `prepare` is over. */
  of(raw: RawBatch): ReadonlyMap<number, DecoderEntry> {
    return present(this.#batches.get(raw), 'decoders of a batch that was prepared');
  }

  /** Gets the decoders of every message. Throws REGISTRY_* when the registry is in trouble for too long, or refuses. */
  async prepare(raw: RawBatch, signal: AbortSignal): Promise<void> {
    const entries = new Map<number, DecoderEntry>();
    let asked = 0;
    for (const id of schemaIds(raw)) {
      const kept = this.#kept.get(id);
      const isGood = kept !== undefined && this.#options.clock.monotonicMs() < kept.againAtMs;
      if (!isGood) asked += 1;
      if (isGood) entries.set(id, kept.entry);
      else if (asked > MAX_ASKED) entries.set(id, TOO_MANY);
      else entries.set(id, this.#keep(id, await this.#ask(id, signal)));
    }
    this.#batches.set(raw, entries);
  }

  #keep(id: number, answer: SchemaAnswer): DecoderEntry {
    const { clock, compile } = this.#options;
    this.#kept.delete(id);
    const oldest = this.#kept.keys().next();
    if (this.#kept.size >= MAX_DECODERS && oldest.done !== true) this.#kept.delete(oldest.value);
    const entry = answer.found ? compile(answer.schema) : { decode: null, reason: answer.reason };
    const againAtMs = answer.found
      ? Number.POSITIVE_INFINITY
      : clock.monotonicMs() + MISSING_AGAIN_MS;
    this.#kept.set(id, { entry, againAtMs });
    return entry;
  }

  async #ask(id: number, signal: AbortSignal): Promise<SchemaAnswer> {
    const { registry, clock, onTrouble } = this.#options;
    const sinceMs = clock.monotonicMs();
    for (let attempts = 1; ; attempts += 1) {
      try {
        const answer = await registry.schema(id, signal);
        if (attempts > 1) onTrouble(null);
        return answer;
      } catch (thrown) {
        signal.throwIfAborted();
        const error: AppError = toAppError(thrown);
        if (error.kind !== 'retry' || clock.monotonicMs() - sinceMs > TROUBLE_LIMIT_MS) throw error;
        onTrouble({ message: error.message, attempts });
        const backoffMs = Math.min(FIRST_BACKOFF_MS * 2 ** (attempts - 1), MAX_BACKOFF_MS);
        await clock.sleep(backoffMs, signal);
      }
    }
  }
}

/** The ids of messages in Confluent's wire format. */
function schemaIds(raw: RawBatch): ReadonlySet<number> {
  const ids = new Set<number>();
  let last = -1;
  for (const { bytes, count, valueStart, valueLength } of raw.runs) {
    for (let index = 0; index < count; index += 1) {
      const start = valueStart[index] ?? 0;
      if ((valueLength[index] ?? 0) < ID_END || bytes[start] !== MAGIC) continue;
      const id = bytes.readInt32BE(start + 1);
      if (id === last) continue;
      ids.add(id);
      last = id;
    }
  }
  return ids;
}
