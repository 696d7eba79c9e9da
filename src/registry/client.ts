// A client of a Confluent-style schema registry: schemas by id, with everything they refer to. One request
// per call, each with a time limit and a limit on its size; another try is the caller's business. Keeps
// nothing. SOURCE: Confluent's Schema Registry API, `/schemas/ids/{id}` and `/subjects/{s}/versions/{v}`.
import { type AppError, fail } from '../base/errors.ts';
import { parseRegistryUrl, type RegistryAddress } from './address.ts';

/** How a schema is written. */
export type SchemaKind = 'AVRO' | 'PROTOBUF' | 'JSON';

export interface SchemaReference {
  /** Its name in the schema that refers to it: a type's full name in Avro, a file in Protobuf. */
  readonly name: string;
  readonly text: string;
}

export interface RegisteredSchema {
  /** Null: the registry does not say, as those of Avro, and some others, do not. */
  readonly kind: SchemaKind | null;
  readonly text: string;
  /** Directly or not, each after those that it refers to itself. */
  readonly references: readonly SchemaReference[];
}

/** A registry's answer; `reason` where there is no such schema, or it cannot be one for us. */
export type SchemaAnswer =
  | { readonly found: true; readonly schema: RegisteredSchema }
  | { readonly found: false; readonly reason: string };

export interface RegistryClientOptions {
  readonly url: string;
  /** Longest time of one request. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;
/** Largest answer: schemas of hundreds of kilobytes do exist. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
const MAX_REFERENCES = 500;
const ACCEPT = 'application/vnd.schemaregistry.v1+json, application/json';

export class RegistryClient {
  readonly #address: RegistryAddress;
  readonly #timeoutMs: number;

  /** Throws REGISTRY_URL. */
  constructor(options: RegistryClientOptions) {
    this.#address = parseRegistryUrl(options.url);
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  }

  /** The address without credentials. */
  get url(): string {
    return this.#address.url;
  }

  /** The schema of an id. Throws REGISTRY_UNREACHABLE, REGISTRY_REFUSED, REGISTRY_FAILED. */
  async schema(id: number, signal: AbortSignal): Promise<SchemaAnswer> {
    const what = `schema id ${id}`;
    const answer = await this.#get(`/schemas/ids/${id}`, what, signal);
    if (answer === null) return this.#missing(what);
    const read = this.#read(answer, what);
    const references: SchemaReference[] = [];
    const seen = new Set<string>();
    const problem = await this.#follow(read.references, references, seen, signal);
    if (problem !== null) return { found: false, reason: `${what} refers to ${problem}` };
    return { found: true, schema: { kind: read.kind, text: read.text, references } };
  }

  /** Adds what is referred to; a text says what does not exist. */
  async #follow(
    list: readonly Reference[],
    found: SchemaReference[],
    seen: Set<string>,
    signal: AbortSignal,
  ): Promise<string | null> {
    for (const { name, subject, version } of list) {
      const key = `${subject}\n${version}\n${name}`;
      if (seen.has(key)) continue;
      seen.add(key);
      if (seen.size > MAX_REFERENCES) return `more than ${MAX_REFERENCES} schemas`;
      const what = `version ${version} of subject '${subject}'`;
      const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}`;
      const answer = await this.#get(path, what, signal);
      if (answer === null) return `${what}, which is not in the schema registry at ${this.url}`;
      const read = this.#read(answer, what);
      const problem = await this.#follow(read.references, found, seen, signal);
      if (problem !== null) return problem;
      found.push({ name, text: read.text });
    }
    return null;
  }

  #missing(what: string): SchemaAnswer {
    return { found: false, reason: `the schema registry at ${this.url} has no ${what}` };
  }

  #read(answer: unknown, what: string): Answer {
    const read = readAnswer(answer);
    if (read === null) throw this.#failed(what, 'its answer holds no schema');
    return read;
  }

  #failed(what: string, reason: string, cause?: unknown): AppError {
    return fail('REGISTRY_FAILED', { url: this.url, what, reason }, cause);
  }

  /** The answer as JSON; null = 404. */
  async #get(path: string, what: string, signal: AbortSignal): Promise<unknown> {
    const { url, authorization } = this.#address;
    const limit = AbortSignal.timeout(this.#timeoutMs);
    let status: number;
    let body: string;
    try {
      const response = await fetch(`${url}${path}`, {
        headers: { accept: ACCEPT, ...(authorization === null ? {} : { authorization }) },
        signal: AbortSignal.any([signal, limit]),
      });
      status = response.status;
      body = await readBody(response);
    } catch (thrown) {
      signal.throwIfAborted();
      if (thrown instanceof TooLarge) throw this.#failed(what, thrown.message);
      const reason = limit.aborted ? `no answer within ${this.#timeoutMs} ms` : reasonOf(thrown);
      throw fail('REGISTRY_UNREACHABLE', { url, what, reason }, thrown);
    }
    if (status === 404) return null;
    if (status === 401 || status === 403) throw fail('REGISTRY_REFUSED', { url, what, status });
    if (status !== 200) throw this.#failed(what, `HTTP ${status} ${body.slice(0, 200)}`.trim());
    try {
      return JSON.parse(body);
    } catch (thrown) {
      throw this.#failed(what, 'its answer is no JSON', thrown);
    }
  }
}

class TooLarge extends Error {}

async function readBody(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES)
      throw new TooLarge(`its answer is larger than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The runtime says `fetch failed`; what failed is in the cause. */
function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const { cause } = thrown;
  return cause instanceof Error
    ? cause.message || String(Reflect.get(cause, 'code'))
    : thrown.message;
}

interface Reference {
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

interface Answer {
  readonly kind: SchemaKind | null;
  readonly text: string;
  readonly references: readonly Reference[];
}

function readAnswer(answer: unknown): Answer | null {
  if (!isObject(answer)) return null;
  const { schema, schemaType = null, references = [] } = answer;
  if (typeof schema !== 'string' || !(schemaType === null || isKind(schemaType))) return null;
  if (!Array.isArray(references)) return null;
  const list: Reference[] = [];
  for (const reference of references) {
    if (!isObject(reference)) return null;
    const { name, subject, version } = reference;
    if (typeof name !== 'string' || typeof subject !== 'string' || typeof version !== 'number')
      return null;
    list.push({ name, subject, version });
  }
  return { kind: schemaType, text: schema, references: list };
}

function isKind(value: unknown): value is SchemaKind {
  return value === 'AVRO' || value === 'PROTOBUF' || value === 'JSON';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
