// The pages of docs/reference/, made from the tables in the code. `npm run docs` writes them; the tidy
// test fails when a page differs from what its table says.
import { ERRORS, type ErrorRow } from '../src/base/errors.ts';
import { CONFIG_ITEMS, type ConfigItem } from '../src/config/items.ts';
import { KAFKA_PROPERTIES } from '../src/kafka/client/properties.ts';
import type { PropertySpec as KafkaPropertySpec } from '../src/kafka/client/property-spec.ts';
import {
  ACCEPTED_KAFKA_PROPERTIES,
  REFUSED_KAFKA_PROPERTIES,
} from '../src/kafka/client/unmapped-properties.ts';
import { COMMON_PROPERTIES } from '../src/loads/common-properties.ts';
import { INSERT_PROPERTIES } from '../src/loads/insert/properties.ts';
import { LOAD_KINDS } from '../src/loads/load-kinds.ts';
import type { PropertySpec, PropertyTable } from '../src/loads/properties.ts';
import { JOB_PROPERTIES, SOURCE_PROPERTIES } from '../src/loads/routine/properties.ts';
import { JOB_KEYS, SAMPLE_PROPERTIES } from '../src/loads/sample/properties.ts';
import { STREAM_LOAD_HEADERS } from '../src/loads/stream/properties.ts';
import type { FunctionCategory, FunctionEntry } from '../src/query/functions/entry.ts';
import { MISSING_FUNCTIONS } from '../src/query/functions/missing.ts';
import { FUNCTION_ENTRIES } from '../src/query/functions/table.ts';
import { SHOW_LISTS } from '../src/sql/ast/show.ts';
import type { StatementKind } from '../src/sql/ast/statement.ts';
import { REFUSED_STATEMENTS, type RefusalState } from '../src/sql/refused.ts';
import { HANDLERS } from '../src/statements/index.ts';
import { SYSTEM_VIEWS } from '../src/statements/information-schema/system-databases.ts';
import { LISTS } from '../src/statements/show/lists.ts';
import { STATEMENT_DOCS } from '../src/statements/statement-docs.ts';
import { rightsText } from '../src/statements/statement-rights.ts';
import { TABLE_PROPERTIES } from '../src/statements/table-properties.ts';
import { SYSTEM_VARIABLES, type VariableRow } from '../src/statements/variable-table.ts';
import { METRICS } from '../src/telemetry/metrics.ts';

const MADE = '<!-- Made by `npm run docs` from the tables in the code. Do not edit. -->';

function page(title: string, lead: string, ...parts: string[]): string {
  return `${[MADE, `# ${title}`, lead, ...parts].join('\n\n')}\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

const code = (text: string): string => (text === '' ? '' : `\`${text.replaceAll('`', "'")}\``);

function errorsPage(): string {
  const rows = Object.entries<ErrorRow>(ERRORS).map(([name, row]) => [
    code(name),
    `${row.mysqlErrno} (${row.sqlState})`,
    String(row.httpStatus),
    row.kind,
    code(row.message),
    row.hint,
  ]);
  return page(
    'Errors',
    'Kind says what to do: `user` errors need a person (a load job pauses), `retry` errors are tried again with back-off, `internal` errors are bugs.',
    table(['Code', 'MySQL', 'HTTP', 'Kind', 'Message', 'How to fix'], rows),
  );
}

function metricsPage(): string {
  const rows = Object.entries(METRICS).map(([name, row]) => [
    code(name),
    row.type,
    row.labels.join(', '),
    row.help,
  ]);
  return page(
    'Metrics',
    'Served in Prometheus text form at `/metrics`.',
    table(['Name', 'Type', 'Labels', 'Meaning'], rows),
  );
}

function configPage(): string {
  const rows = Object.entries<ConfigItem>(CONFIG_ITEMS).map(([name, item]) => [
    code(name),
    `${item.file}.conf`,
    item.type,
    code(item.default),
    item.mutable === true ? 'yes' : '',
    item.help,
  ]);
  return page(
    'Configuration',
    'Keys of `fe.conf` and `cn.conf` (`key = value`, `#` comments), given to `millrace start --conf`. An unknown key is an error. Mutable ones can be changed with ADMIN SET FRONTEND CONFIG while the server runs; that is kept in the metadata.',
    table(['Key', 'File', 'Type', 'Default', 'Mutable', 'Meaning'], rows),
  );
}

function propertyTable(properties: PropertyTable): string {
  return table(
    ['Property', 'Type', 'Default', 'Alterable', 'Meaning'],
    Object.entries<PropertySpec>(properties).map(([name, spec]) => [
      code(name),
      spec.words === undefined ? spec.type : spec.words.join(', '),
      code(spec.default ?? ''),
      spec.alterable ? 'yes' : 'no',
      spec.help,
    ]),
  );
}

/** Each property that load kinds have in common, with the kinds that have it. */
function sharedTable(): string {
  return table(
    ['Property', 'Of', 'Type', 'Meaning'],
    Object.entries(COMMON_PROPERTIES).map(([name, spec]) => [
      code(name),
      Object.entries(LOAD_KINDS)
        .flatMap(([kind, properties]) => (Object.hasOwn(properties, name) ? [kind] : []))
        .join(', '),
      'words' in spec ? spec.words.join(', ') : spec.type,
      spec.help,
    ]),
  );
}

function kafkaPropertiesPage(): string {
  const named = (name: string): string => code(`property.${name}`);
  const mapped = Object.entries<KafkaPropertySpec<unknown>>(KAFKA_PROPERTIES).map(([name, row]) => [
    [name, ...row.aliases].map(named).join(', '),
    row.expected,
    row.default === null ? '' : code(String(row.default)),
    row.secret ? `${row.meaning} Shown as \`******\`.` : row.meaning,
  ]);
  const others = (rows: Readonly<Record<string, string>>): string[][] =>
    Object.entries(rows)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, reason]) => [named(name), reason]);
  return page(
    'Kafka properties',
    "`property.*` of CREATE and ALTER ROUTINE LOAD ... FROM KAFKA: how to reach and read the brokers. The names are librdkafka's; every name of it is on this page. They are checked when a job is made or changed.",
    '## With an effect',
    'A value that librdkafka takes and that would do no good here counts as the nearest one that does, with a warning.',
    table(['Property', 'Value', 'Default', 'Meaning'], mapped),
    '## Of the job itself',
    table(
      ['Property', 'Meaning'],
      [
        [
          named('kafka_default_offsets'),
          'Where partitions begin that kafka_offsets does not name: a number, OFFSET_BEGINNING or OFFSET_END.',
        ],
      ],
    ),
    '## Without effect',
    'Accepted, with a warning (SHOW WARNINGS) that says why.',
    table(['Property', 'Why'], others(ACCEPTED_KAFKA_PROPERTIES)),
    '## Refused',
    table(['Property', 'Instead'], others(REFUSED_KAFKA_PROPERTIES)),
  );
}

function propertiesPage(): string {
  return page(
    'Properties',
    'Properties of statements, with their checks and defaults.',
    '## What load kinds share',
    'One check and one meaning for all that have it; the default of each is in its own list.',
    sharedTable(),
    '## CREATE ROUTINE LOAD: PROPERTIES',
    propertyTable(JOB_PROPERTIES),
    '## CREATE ROUTINE LOAD: FROM KAFKA',
    propertyTable(SOURCE_PROPERTIES),
    'How to reach the brokers: `property.*`, see [Kafka properties](kafka-properties.md).',
    '## DESC KAFKA, CREATE TABLE ... FROM KAFKA TOPIC',
    `Those of FROM KAFKA (without places to begin at), ${JOB_KEYS.map((key) => `\`${key}\``).join(', ')} as of a Routine Load, and`,
    propertyTable(SAMPLE_PROPERTIES),
    '## Stream Load: headers',
    'Of `PUT /api/{db}/{table}/_stream_load`. An empty value is as good as none; headers that are not in this list are not looked at.',
    propertyTable(STREAM_LOAD_HEADERS),
    '## INSERT: PROPERTIES',
    propertyTable(INSERT_PROPERTIES),
    '## CREATE TABLE: PROPERTIES',
    propertyTable(TABLE_PROPERTIES),
  );
}

function statementsPage(): string {
  const kinds = Object.keys(STATEMENT_DOCS) as StatementKind[];
  const sections = [...new Set(kinds.map((kind) => STATEMENT_DOCS[kind].section))];
  const parts = sections.flatMap((section) => [
    `## ${section}`,
    table(
      ['Statement', 'Rights', 'Differs from StarRocks'],
      kinds
        .filter((kind) => STATEMENT_DOCS[kind].section === section)
        .map((kind) => [
          code(STATEMENT_DOCS[kind].syntax),
          rightsText(kind),
          HANDLERS[kind] === null
            ? 'parsed, not supported yet'
            : (STATEMENT_DOCS[kind].differs ?? ''),
        ]),
    ),
  ]);
  const lists = SHOW_LISTS.map((what) => [code(`SHOW ${what}`), LISTS[what].columns.join(', ')]);
  const refused = (state: RefusalState): string =>
    table(
      ['Statement', 'Instead'],
      REFUSED_STATEMENTS.filter((row) => row.state === state).map((row) => [
        code(row.words),
        row.instead,
      ]),
    );
  return page(
    'Statements',
    'What the SQL front end takes. `millrace check-sql FILE` tells it of a file of statements. Rights: what a user needs at most besides being logged in, as the server checks it; lists show only what one may see. A right on ALL objects of a type, or on all of a database, counts for each.',
    ...parts,
    '## SHOW lists',
    "Each takes `[FROM d] [LIKE 'p' | WHERE ..] [ORDER BY ..] [LIMIT n]`.",
    table(['Statement', 'Columns'], lists),
    '## Not yet',
    refused('later'),
    '## Out of scope',
    refused('never'),
  );
}

function variablesPage(): string {
  const rows = Object.entries(SYSTEM_VARIABLES).map(([name, row]) => [
    code(name),
    row.words === undefined ? row.type : row.words.map(code).join(', '),
    code(row.default),
    rangeText(row),
    row.readOnly === true ? 'read only' : row.scope === 'global' ? 'SET GLOBAL only' : '',
    row.help ?? (row.readOnly === true ? '' : 'accepted and shown, no effect'),
  ]);
  return page(
    'System variables',
    'Set with `SET [SESSION | GLOBAL] name = value`, read with `SELECT @@name`, `SELECT @@global.name` or SHOW VARIABLES. SET GLOBAL outlives a restart; sessions that are open keep their own values. An unknown name is an error that names the nearest ones.',
    table(['Name', 'Type', 'Default', 'Range', '', 'What it changes'], rows),
  );
}

function rangeText({ min, max, type }: VariableRow): string {
  if (type === 'ratio') return '0 to 1';
  if (min === undefined && max === undefined) return '';
  return max === undefined ? `${min} or more` : `${min ?? ''} to ${max}`;
}

/** Headings of the categories, in the order of the page. */
const FUNCTION_HEADINGS: Readonly<Record<FunctionCategory, string>> = {
  math: 'Numbers',
  bit: 'Bits',
  string: 'Texts',
  pattern: 'LIKE and regular expressions',
  url: 'URLs',
  date: 'Dates and times',
  conditional: 'Conditions and NULL',
  json: 'JSON',
  array: 'Arrays',
  map: 'Maps',
  struct: 'Structs',
  crypto: 'Digests, ciphers, encodings',
  hash: 'Hashes',
  bitmap: 'Bitmaps',
  hll: 'HLL',
  percentile: 'Percentiles',
  utility: 'Session and utility',
  aggregate: 'Aggregates',
  window: 'Windows',
  table: 'Tables',
};

const NULL_RULES = { propagate: 'NULL', own: 'own rule' } as const;

function functionRow(entry: FunctionEntry): readonly string[] {
  return [
    entry.names.map(code).join(', '),
    entry.signatures.map((signature) => code(signature.text)).join('<br>'),
    NULL_RULES[entry.nulls],
    entry.doc,
    entry.example === null
      ? ''
      : `${code(entry.example.sql)} = ${code(entry.example.result ?? 'NULL')}`,
  ];
}

function functionsPage(): string {
  const headings = Object.entries(FUNCTION_HEADINGS).map(([category, heading]) => ({
    heading,
    entries: FUNCTION_ENTRIES.filter((entry) => entry.category === category),
  }));
  const used = headings.filter(({ entries }) => entries.length > 0);
  const names = new Set(FUNCTION_ENTRIES.flatMap((entry) => entry.names)).size;
  return page(
    'Functions',
    `${names} names. Every example is run by a test. The column NULL says what a NULL argument gives: NULL, or the function has its own rule, told in its meaning. \`T\` stands for any type, the same in all its places; \`?\` marks an argument that may be left out, \`...\` one that may repeat; \`number\`, \`integer\`, \`temporal\` stand for any such type, and as a result for the type of the argument. An argument of another type is converted where StarRocks converts it. What is no function of this page is refused, with the nearest known names.`,
    used
      .map(({ heading, entries }) => `[${heading}](#${anchor(heading)}) (${entries.length})`)
      .join(' · '),
    ...used.flatMap(({ heading, entries }) => [
      `## ${heading}`,
      table(
        ['Function', 'Signatures', 'NULL', 'Meaning', 'Example'],
        entries.map((entry) => functionRow(entry)),
      ),
    ]),
    '## Not supported',
    'Functions of StarRocks that are not there. Their error tells the reason.',
    table(
      ['Function', 'Why'],
      Object.entries(MISSING_FUNCTIONS).map(([name, reason]) => [code(name), reason]),
    ),
  );
}

/** GitHub's anchor of a heading. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-');
}

function systemViewsPage(): string {
  const parts = Object.entries(SYSTEM_VIEWS).flatMap(([database, views]) => [
    `## ${database}`,
    table(
      ['View', 'What', 'Columns'],
      Object.entries(views)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, view]) => [
          code(name),
          view.doc,
          view.columns.map((column) => column.name).join(', '),
        ]),
    ),
  ]);
  return page(
    'System views',
    'Views of `information_schema` and `sys`. Names are found in any case. Times are in the time zone of the session. A view of something that Millrace has not got exists and is empty, for clients that ask.',
    ...parts,
  );
}

/** Path from the root -> text. */
export function referencePages(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/reference/errors.md', errorsPage()],
    ['docs/reference/metrics.md', metricsPage()],
    ['docs/reference/config.md', configPage()],
    ['docs/reference/properties.md', propertiesPage()],
    ['docs/reference/kafka-properties.md', kafkaPropertiesPage()],
    ['docs/reference/statements.md', statementsPage()],
    ['docs/reference/variables.md', variablesPage()],
    ['docs/reference/system-views.md', systemViewsPage()],
    ['docs/reference/functions.md', functionsPage()],
  ]);
}
