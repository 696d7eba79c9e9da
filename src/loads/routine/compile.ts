// From a job's definition and its tables to the plan of a task. Pure: no catalog, no Kafka; the caller brings tables,
// volumes and positions.
import { present } from '../../base/assert.ts';
import type { JobId } from '../../base/ids.ts';
import { parseKafkaProperties } from '../../kafka/client/properties.ts';
import type {
  KafkaConnectionSpec,
  KafkaLoadPlan,
  LoadLimits,
  LoadTarget,
  LoadTransform,
  TopicPartitions,
} from '../../model/load-plan.ts';
import type { TableInfo } from '../../model/table.ts';
import { analysisError } from '../properties.ts';
import { type CompiledTables, compileRows } from '../rows/compile.ts';
import type { RoutineLoadDefinition } from './definition.ts';
import { checkEvolution, evolutionOf, evolves } from './evolution.ts';
import { formatOf } from './format.ts';
import { topicIdOf } from './topic-ids.ts';

/** Source fields, outputs and filter for a table. Throws SQL_ANALYZE for columns that do not fit. */
export function compileTransform(
  definition: RoutineLoadDefinition,
  table: TableInfo,
  tables: readonly TableInfo[] = [table],
): LoadTransform {
  const { transforms } = compileTables(definition, tables);
  return present(transforms[tables.indexOf(table)], 'transform of a table');
}

/** The same for all tables of a job, and which row goes to which. Throws SQL_ANALYZE for what does not fit. */
export function compileTables(
  definition: RoutineLoadDefinition,
  tables: readonly TableInfo[],
): CompiledTables {
  if (tables.length > 1 && evolves(definition))
    throw analysisError('schema_evolution is not possible in a job of several tables');
  for (const table of tables) checkEvolution(definition, table);
  return compileRows(definition, tables);
}

/** The plan of one task, without positions: the scheduler adds those. */
export function buildPlan(input: {
  readonly jobId: JobId;
  readonly jobName: string;
  readonly userName: string;
  readonly definition: RoutineLoadDefinition;
  readonly connection: KafkaConnectionSpec;
  /** What the job loads, in its order. */
  readonly tables: readonly { readonly table: TableInfo; readonly target: LoadTarget }[];
  readonly rejected: LoadTarget;
  /** What the task reads: one topic, or more. */
  readonly topics: readonly TopicPartitions[];
  readonly limits: LoadLimits;
}): KafkaLoadPlan {
  const { definition } = input;
  const { transforms, route } = compileTables(
    definition,
    input.tables.map(({ table }) => table),
  );
  const [first, ...further] = input.tables.map(({ target }, index) => ({
    target,
    transform: present(transforms[index], 'transform of a table'),
  }));
  const { target, transform } = present(first, 'table of a job');
  const { table } = present(input.tables[0], 'table of a job');
  const evolution = evolutionOf(definition, table, transform);
  const settings = parseKafkaProperties(definition.source.custom);
  const [topic = { topic: definition.source.topic, partitions: [] }, ...others] = input.topics.map(
    (part) => {
      const topicId = topicIdOf(definition, part.topic);
      return topicId === null ? part : { ...part, topicId };
    },
  );
  return {
    jobId: input.jobId,
    jobName: input.jobName,
    userName: input.userName,
    target,
    transform,
    rejected: input.rejected,
    source: {
      kind: 'kafka',
      connection: input.connection,
      ...topic,
      ...(others.length === 0 ? {} : { others }),
      isolation: settings['isolation.level'],
    },
    format: formatOf(definition, input.connection.files),
    ...(route === null ? {} : { routes: { ...route, further } }),
    ...(evolution === null ? {} : { evolution }),
    limits: input.limits,
    ...(definition.source.deadLetterTopic === undefined
      ? {}
      : { deadLetterTopic: definition.source.deadLetterTopic }),
    ...(definition.properties['pause_on_fatal_parse_error'] === 'true'
      ? { pausesOnParseError: true as const }
      : {}),
  };
}
