// Statements about small files (certificates, keys). Plain data; content and signed URLs in the properties
// are in clear text here, so these nodes must never be logged.
import type { DatabaseName } from './ddl.ts';
import type { Node, Property } from './node.ts';

export interface FileStatement extends Node {
  readonly kind: 'create_file' | 'drop_file';
  readonly name: string;
  /** Null: the session's. */
  readonly database: DatabaseName | null;
  readonly properties: readonly Property[];
}
