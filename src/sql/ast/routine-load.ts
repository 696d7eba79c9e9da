// Statements about Routine Load jobs, and the load properties that other load statements share.
// Properties are kept as written; which keys exist and what they mean is the loads layer's table.
import type { Expression } from './expression.ts';
import type { Identifier, Node, Property, QualifiedName } from './node.ts';
import type { Limit, OrderItem, PartitionNames } from './query.ts';

export type RoutineLoadStatement =
  | CreateRoutineLoad
  | AlterRoutineLoad
  | ControlRoutineLoad
  | ReplayRoutineLoad
  | CheckRoutineLoad
  | ShowRoutineLoad
  | ShowRoutineLoadTask
  | ShowCreateRoutineLoad
  | DescribeKafka;

/** `[db.]job`. */
export interface JobName extends Node {
  readonly database: string | null;
  readonly name: string;
}

/** Clauses before PROPERTIES. Each may be given once; a repeat is an error while parsing. null = not given. */
export interface LoadProperties {
  readonly columnSeparator: string | null;
  readonly rowDelimiter: string | null;
  readonly columns: readonly LoadColumn[] | null;
  readonly where: Expression | null;
  readonly partitions: PartitionNames | null;
}

/** One entry of `COLUMNS (a, b, c = expr)`: a source field (expression null) or a derived column. */
export interface LoadColumn extends Node {
  readonly name: string;
  readonly expression: Expression | null;
}

export interface LoadSource extends Node {
  readonly type: 'KAFKA' | 'PULSAR';
  readonly properties: readonly Property[];
}

export interface CreateRoutineLoad extends Node {
  readonly kind: 'create_routine_load';
  readonly name: JobName;
  readonly table: QualifiedName;
  /** Of a job that loads several tables: those behind the first. */
  readonly furtherTables: readonly QualifiedName[];
  readonly load: LoadProperties;
  readonly properties: readonly Property[];
  readonly source: LoadSource;
}

export interface AlterRoutineLoad extends Node {
  readonly kind: 'alter_routine_load';
  readonly name: JobName;
  readonly load: LoadProperties;
  readonly properties: readonly Property[];
  readonly source: LoadSource | null;
}

export interface ControlRoutineLoad extends Node {
  readonly kind: 'pause_routine_load' | 'resume_routine_load' | 'stop_routine_load';
  readonly name: JobName;
}

/** REPLAY ROUTINE LOAD FOR j [WHERE condition over rejected records] [LIMIT n]. */
export interface ReplayRoutineLoad extends Node {
  readonly kind: 'replay_routine_load';
  readonly name: JobName;
  readonly where: Expression | null;
  readonly limit: Limit | null;
}

/** CHECK ROUTINE LOAD FOR j [LIMIT n]: the ledger against itself and the topic. */
export interface CheckRoutineLoad extends Node {
  readonly kind: 'check_routine_load';
  readonly name: JobName;
  /** Of messages that are read again, of each line of the ledger. */
  readonly limit: Limit | null;
}

export interface ShowRoutineLoad extends Node {
  readonly kind: 'show_routine_load';
  /** SHOW ALL: finished jobs too. */
  readonly all: boolean;
  /** FOR [db.]job. */
  readonly name: JobName | null;
  /** FROM db. */
  readonly database: Identifier | null;
  readonly where: Expression | null;
  readonly orderBy: readonly OrderItem[];
  readonly limit: Limit | null;
}

export interface ShowRoutineLoadTask extends Node {
  readonly kind: 'show_routine_load_task';
  readonly database: Identifier | null;
  readonly where: Expression | null;
}

export interface ShowCreateRoutineLoad extends Node {
  readonly kind: 'show_create_routine_load';
  readonly name: JobName;
}

/** `DESC KAFKA (...)`: the columns that messages of a topic ask for. */
export interface DescribeKafka extends Node {
  readonly kind: 'describe_kafka';
  readonly properties: readonly Property[];
}
