// What every node of the syntax tree shares: its place in the statement's text, names, properties.
// Plain readonly data; nothing here knows the catalog or the parser.

/**
 * Where a node begins, relative to its own statement (not to the whole multi-statement text).
 * `start` counts UTF-16 units from 0, `line` from 1, `column` from 0 as StarRocks reports them.
 */
export interface Position {
  readonly start: number;
  readonly line: number;
  readonly column: number;
}

/** Base of all nodes. A compound expression begins where its first token begins. */
export interface Node {
  readonly pos: Position;
}

/** `[[catalog.]database.]name`, spelled as the user wrote it, without quotes. */
export interface QualifiedName extends Node {
  readonly catalog: string | null;
  readonly database: string | null;
  readonly name: string;
}

/** One `"key" = "value"` of PROPERTIES, FROM KAFKA, SET (...). Order and repeats are kept. */
export interface Property extends Node {
  readonly key: string;
  readonly value: string;
}

/** A bare name with its place: a column in a key list, a partition, a storage volume. */
export interface Identifier extends Node {
  readonly name: string;
}
