// ALTER TABLE's changes of columns as pure steps over the table's schema: each clause sees what the one before
// it made, and all become one new schema. Texts as StarRocks words them (SOURCE: its schema change, 3.3).
import { asId, type FieldId } from '../base/ids.ts';
import type { SchemaChange } from '../catalog/schema-store.ts';
import { analysisError } from '../loads/properties.ts';
import { valueDefault } from '../model/column-default.ts';
import type { ColumnRewrite } from '../model/column-rewrite.ts';
import { nestedParts } from '../model/field-ids.ts';
import { printSqlType } from '../model/sql-type.ts';
import type { ColumnSchema, TableInfo } from '../model/table.ts';
import { checkGeneratedColumn, generatedFrom } from '../query/generated-column.ts';
import { constantDefault, rowDefault } from '../query/insert-default.ts';
import { castRewrite, generatedRewrite } from '../query/rewrite-column.ts';
import { changedFields, type FieldChange, structRewrite } from '../query/rewrite-struct.ts';
import { isWidening } from '../query/widening.ts';
import type { AlterColumnClause, ColumnDefinition, ColumnPosition } from '../sql/ast/ddl.ts';
import { typeProblem } from './column-change.ts';
import { columnOf } from './column-definition.ts';
import { checkColumnType } from './column-types.ts';
import { checkName } from './names.ts';
import { propertyMap } from './properties.ts';
import { MAX_COLUMNS } from './table-definition.ts';
import { sortKeyOf } from './table-keys.ts';

/** The statement's moment: rows that exist get its time as their CURRENT_TIMESTAMP. */
export interface AlterMoment {
  readonly nowMs: number;
  readonly timeZone: string;
}

/** The columns after all clauses; null when they are as they were. Throws SQL_ANALYZE. */
export function alteredColumns(
  table: TableInfo,
  nextFieldId: number,
  clauses: readonly AlterColumnClause[],
  moment: AlterMoment,
): SchemaChange | null {
  const steps = new ColumnSteps(table, nextFieldId, moment);
  for (const clause of clauses) steps.apply(clause);
  const change = steps.finish();
  const isSame =
    JSON.stringify(change.schema) === JSON.stringify(table.schema) &&
    JSON.stringify(change.distributedBy) === JSON.stringify(table.distributedBy);
  return isSame ? null : change;
}

class ColumnSteps {
  readonly #table: TableInfo;
  readonly #moment: AlterMoment;
  #columns: ColumnSchema[];
  #distributedBy: readonly string[];
  #sortKey: readonly FieldId[] | undefined;
  #nextFieldId: number;
  /** Of columns with a new id whose values come from an old one: that one, as the table has it. */
  readonly #origins = new Map<FieldId, ColumnSchema>();
  /** Those of them that got or lost a field inside. */
  readonly #fieldsChanged = new Set<FieldId>();

  constructor(table: TableInfo, nextFieldId: number, moment: AlterMoment) {
    this.#table = table;
    this.#moment = moment;
    this.#columns = [...table.schema.columns];
    this.#distributedBy = table.distributedBy;
    this.#sortKey = table.schema.sortKey;
    this.#nextFieldId = nextFieldId;
  }

  apply(clause: AlterColumnClause): void {
    if ('properties' in clause) checkClauseProperties(propertyMap(clause.properties));
    switch (clause.kind) {
      case 'add_column':
        this.#add(clause.column, clause.position);
        return;
      case 'add_columns':
        for (const column of clause.columns) this.#add(column, null);
        return;
      case 'drop_column':
        this.#drop(clause.name);
        return;
      case 'modify_column':
        this.#modify(clause.column, clause.position);
        return;
      case 'comment_column': {
        const { comment } = clause;
        this.#replace(this.#find(clause.name), (column) => ({ ...column, comment }));
        return;
      }
      case 'add_field':
        this.#changeFields(clause.name, clause.path, { ...clause, kind: 'add' });
        return;
      case 'drop_field':
        this.#changeFields(clause.name, clause.path, { kind: 'drop' });
        return;
      case 'rename_column':
        this.#rename(clause.name, clause.to);
        return;
      case 'order_by':
        this.#reorder(clause.columns.map(({ name }) => name));
    }
  }

  finish(): SchemaChange {
    if (this.#columns.length > MAX_COLUMNS) {
      throw analysisError(`${this.#columns.length} columns, more than the limit of ${MAX_COLUMNS}`);
    }
    const firstValue = this.#columns.findIndex(({ isKey }) => !isKey);
    const late = this.#columns.find(({ isKey }, index) => isKey && index > firstValue);
    if (firstValue >= 0 && late !== undefined) {
      throw analysisError(
        `Invalid column order. key should before all values: ${late.name} (key columns come first)`,
      );
    }
    const hadKeys = this.#table.schema.columns.some(({ isKey }) => isKey);
    if (hadKeys && !this.#columns.some(({ isKey }) => isKey)) {
      throw analysisError(`No key column left. index[${this.#table.name}]`);
    }
    const rewrites = this.#rewritesOf();
    return {
      schema: {
        ...this.#table.schema,
        columns: this.#columns,
        ...(this.#sortKey === undefined ? {} : { sortKey: this.#sortKey }),
      },
      distributedBy: this.#distributedBy,
      nextFieldId: this.#nextFieldId,
      ...(rewrites.length === 0 ? {} : { rewrites }),
    };
  }

  /** Columns that the files have no values for, out of those that they have. */
  #rewritesOf(): readonly ColumnRewrite[] {
    const before = this.#table.schema.columns;
    const { timeZone } = this.#moment;
    return this.#columns.flatMap((column) => {
      const old = this.#origins.get(column.fieldId);
      if (old !== undefined) {
        const isStruct = this.#fieldsChanged.has(column.fieldId);
        return [isStruct ? structRewrite(old, column) : castRewrite(old, column, before, timeZone)];
      }
      const isOld = before.some(({ fieldId }) => fieldId === column.fieldId);
      if (isOld || column.generated === undefined) return [];
      return [generatedRewrite(column, before, timeZone)];
    });
  }

  #indexOf(name: string): number {
    const lower = name.toLowerCase();
    return this.#columns.findIndex((column) => column.name.toLowerCase() === lower);
  }

  #find(name: string): ColumnSchema {
    const column = this.#columns[this.#indexOf(name)];
    if (column === undefined) throw analysisError(`Column[${name}] does not exists`);
    return column;
  }

  #replace(old: ColumnSchema, make: (column: ColumnSchema) => ColumnSchema): void {
    this.#columns = this.#columns.map((column) => (column === old ? make(column) : column));
  }

  #add(definition: ColumnDefinition, position: ColumnPosition | null): void {
    const { name } = definition;
    checkName('column', name);
    if (this.#indexOf(name) >= 0) {
      throw analysisError(`Can not add column which already exists in base table: ${name}`);
    }
    const { keysType } = this.#table.schema;
    const { isKey } = definition;
    if (isKey && (keysType === 'PRIMARY_KEYS' || keysType === 'UNIQUE_KEYS')) {
      throw analysisError(
        `Can not add key column ${name}: the rows of the ${KEY_NAMES[keysType]} table are told apart by the keys that it has`,
      );
    }
    if (definition.autoIncrement) {
      throw analysisError(
        `Column ${name}: an AUTO_INCREMENT column cannot be added, rows that exist would need values: CREATE TABLE with it, then INSERT INTO ... SELECT`,
      );
    }
    const column = columnOf(definition, { keysType, isKey });
    const ids = this.#newIds(column.type);
    const isGenerated = column.generated !== undefined;
    if (isGenerated) checkGeneratedColumn(column, [...this.#table.schema.columns, column]);
    const initial = isGenerated ? null : this.#initialDefault({ ...column, ...ids });
    this.#place(
      {
        ...column,
        ...ids,
        ...(initial === null ? {} : { initialDefault: initial }),
        // Files may have statistics of another column that once had the name.
        statsName: `#${ids.fieldId}`,
      },
      position,
    );
  }

  /** What rows that exist hold in a new column: a constant, the same in all. */
  #initialDefault(column: ColumnSchema): string | null {
    const { name, nullable, defaultValue } = column;
    if (!nullable && defaultValue === null) {
      throw analysisError(
        `Column ${name} is NOT NULL and has no default: rows that exist would have no value (give it a DEFAULT, or leave NOT NULL out)`,
      );
    }
    if (rowDefault(column) !== null) {
      throw analysisError(
        `Column ${name}: ${defaultValue ?? ''} cannot be the default of an added column, since rows that exist get one value`,
      );
    }
    return valueDefault(column) ?? constantDefault(column, this.#moment, () => '');
  }

  #place(column: ColumnSchema, position: ColumnPosition | null): void {
    this.#columns.splice(this.#placeOf(column, position), 0, column);
  }

  #placeOf(column: ColumnSchema, position: ColumnPosition | null): number {
    if (position?.kind === 'first') return 0;
    if (position?.kind === 'after') return this.#columns.indexOf(this.#find(position.column)) + 1;
    // A key without a place comes after the last key, everything else at the end.
    const lastKey = this.#columns.findLastIndex(({ isKey }) => isKey);
    return column.isKey ? lastKey + 1 : this.#columns.length;
  }

  #drop(name: string): void {
    const column = this.#columns[this.#indexOf(name)];
    if (column === undefined) throw analysisError(`Column does not exists: ${name}`);
    const { keysType } = this.#table.schema;
    if (column.isKey && (keysType === 'PRIMARY_KEYS' || keysType === 'UNIQUE_KEYS')) {
      throw analysisError(
        keysType === 'PRIMARY_KEYS'
          ? 'Can not drop key column in primary data model table'
          : 'Can not drop key column in Unique data model table',
      );
    }
    const replaces = this.#columns.some(
      ({ aggregate }) => aggregate?.startsWith('REPLACE') === true,
    );
    if (keysType === 'AGG_KEYS' && column.isKey && replaces) {
      throw analysisError(
        'Can not drop key column when table has value column with REPLACE aggregation method',
      );
    }
    this.#refuseDistribution(column, 'drop');
    this.#refuseGenerated(column, 'drop');
    if (this.#sortKey?.includes(column.fieldId) === true) {
      throw analysisError(`Can not drop sort column ${column.name}: change the ORDER BY first`);
    }
    if (this.#isPartitionColumn(column)) {
      throw analysisError(`Partition column[${column.name}] cannot be dropped`);
    }
    this.#columns = this.#columns.filter((other) => other !== column);
  }

  /** A generated column keeps the expression as text. */
  #refuseGenerated(column: ColumnSchema, what: 'drop' | 'modify' | 'rename'): void {
    const lower = column.name.toLowerCase();
    const user = this.#columns.find(
      (other) =>
        other.generated !== undefined &&
        generatedFrom(other, this.#columns).some((name) => name.toLowerCase() === lower),
    );
    if (user === undefined) return;
    throw analysisError(
      `Do not support ${what} column: ${column.name}, because it associates with the generated column ${user.name}`,
    );
  }

  #isPartitionColumn({ fieldId }: ColumnSchema): boolean {
    return this.#table.partitioning?.items.some((item) => item.fieldId === fieldId) === true;
  }

  #refuseDistribution({ name }: ColumnSchema, what: 'drop' | 'change'): void {
    const lower = name.toLowerCase();
    if (!this.#distributedBy.some((column) => column.toLowerCase() === lower)) return;
    throw analysisError(
      what === 'drop'
        ? `Distribution column[${name}] cannot be dropped`
        : `Can not change the type of distribution column[${name}]`,
    );
  }

  #modify(definition: ColumnDefinition, position: ColumnPosition | null): void {
    const old = this.#find(definition.name);
    const { keysType } = this.#table.schema;
    const isPrimaryKey = keysType === 'PRIMARY_KEYS' && old.isKey;
    // As StarRocks: keys of PRIMARY KEY tables stay keys without the word.
    const isKey =
      definition.isKey ||
      isPrimaryKey ||
      (keysType === 'AGG_KEYS' && definition.aggregate === null);
    if (isKey !== old.isKey) {
      throw analysisError(
        old.isKey
          ? `Can not change key column ${old.name} to a value column: write KEY after its type`
          : `Can not change value column ${old.name} to a key column`,
      );
    }
    const nullable = definition.nullable ?? !isPrimaryKey;
    if (old.autoIncrement === true) {
      throw analysisError(`Can't not modify a AUTO_INCREMENT column: ${old.name}`);
    }
    if ((old.generated !== undefined) !== (definition.generated !== null)) {
      throw analysisError(
        `Can not modify a ${old.generated === undefined ? 'non-generated column to a generated' : 'generated column to a non-generated'} column: ${old.name}`,
      );
    }
    this.#refuseGenerated(old, 'modify');
    const made = columnOf({ ...definition, name: old.name, nullable }, { keysType, isKey });
    this.#checkModified(old, made);
    const column = this.#changed(old, made);
    if (position === null) {
      this.#replace(old, () => column);
      return;
    }
    if (position.kind === 'after' && position.column.toLowerCase() === old.name.toLowerCase()) {
      throw analysisError(`Column[${position.column}] modify position is invalid`);
    }
    this.#columns = this.#columns.filter((other) => other !== old);
    this.#place(column, position);
  }

  #changed(old: ColumnSchema, made: Omit<ColumnSchema, 'fieldId'>): ColumnSchema {
    if (old.generated === undefined) {
      return isWidening(old.type, made.type) ? inPlace(old, made) : this.#rewritten(old, made);
    }
    const isSame = printSqlType(old.type) === printSqlType(made.type);
    if (isSame && old.generated === made.generated) return inPlace(old, made);
    checkGeneratedColumn(made, this.#columns);
    const ids = this.#newIds(made.type);
    return { ...made, ...ids, statsName: `#${ids.fieldId}` };
  }

  /** The column under a new id: its values are made of the old ones. */
  #rewritten(old: ColumnSchema, made: Omit<ColumnSchema, 'fieldId'>): ColumnSchema {
    const { keysType } = this.#table.schema;
    if (old.isKey && keysType === 'UNIQUE_KEYS') {
      throw analysisError(
        `Can not change ${printSqlType(old.type)} to ${printSqlType(made.type)} of key column ${old.name}: two keys of the table could become one`,
      );
    }
    const origin = this.#origins.get(old.fieldId) ?? old;
    const fieldId = this.#newIds(made.type);
    this.#origins.delete(old.fieldId);
    const source = this.#table.schema.columns.find((one) => one.fieldId === origin.fieldId);
    if (source === undefined) {
      throw analysisError(
        `Column ${old.name} is added and changed by one statement: add it as it is to be`,
      );
    }
    this.#origins.set(fieldId.fieldId, source);
    this.#sortKey = this.#sortKey?.map((id) => (id === old.fieldId ? fieldId.fieldId : id));
    return { ...made, ...fieldId, statsName: `#${fieldId.fieldId}` };
  }

  #changeFields(name: string, path: readonly string[], change: FieldChange): void {
    const old = this.#find(name);
    if (old.isKey) throw analysisError(`Can not change fields of key column ${old.name}`);
    this.#refuseGenerated(old, 'modify');
    const type = changedFields(old.type, path, change, old.name);
    checkColumnType(old.name, type);
    const { fieldId, nestedIds: _ids, initialDefault: _default, ...rest } = old;
    const isFirst = this.#origins.get(fieldId) === undefined;
    if (!isFirst && !this.#fieldsChanged.has(fieldId)) {
      throw analysisError(`Column ${old.name} is changed twice by one statement: give two`);
    }
    const column = this.#rewritten(old, { ...rest, type });
    this.#fieldsChanged.add(column.fieldId);
    this.#replace(old, () => column);
  }

  /** Ids that no column ever had. */
  #newIds(type: ColumnSchema['type']): Pick<ColumnSchema, 'fieldId' | 'nestedIds'> {
    const fieldId = asId<FieldId>(this.#nextFieldId);
    const nested = nestedParts(type);
    const nestedIds = Array.from({ length: nested }, (_, i) => asId<FieldId>(fieldId + 1 + i));
    this.#nextFieldId += 1 + nested;
    return { fieldId, ...(nested === 0 ? {} : { nestedIds }) };
  }

  #checkModified(old: ColumnSchema, made: Omit<ColumnSchema, 'fieldId'>): void {
    const { keysType } = this.#table.schema;
    const problem = typeProblem(old.type, made.type);
    const isTypeChanged = printSqlType(old.type) !== printSqlType(made.type);
    if (keysType === 'PRIMARY_KEYS' && old.isKey) {
      const isLonger = old.type.kind === 'VARCHAR' && problem === null;
      if (isTypeChanged && !isLonger) {
        throw analysisError(
          `Can not modify key column: ${old.name} for primary key table except for increasing varchar length`,
        );
      }
      if (made.nullable) {
        throw analysisError(`primary key column[${old.name}] cannot be nullable`);
      }
    }
    if (problem !== null && old.generated === undefined) {
      throw analysisError(`column ${old.name}: ${problem}`);
    }
    if (old.aggregate !== made.aggregate) {
      throw analysisError(`Can not change aggregation type of column ${old.name}`);
    }
    if (isTypeChanged && this.#isPartitionColumn(old)) {
      throw analysisError(`Partition column[${old.name}] cannot be modified`);
    }
    if (isTypeChanged && old.type.kind !== 'VARCHAR') this.#refuseDistribution(old, 'change');
    if (old.nullable && !made.nullable) {
      throw analysisError(`Can not change from nullable to non-nullable: ${old.name}`);
    }
  }

  #rename(name: string, to: string): void {
    const column = this.#find(name);
    checkName('column', to);
    const other = this.#indexOf(to);
    if (other >= 0 && this.#columns[other] !== column) {
      throw analysisError(`Duplicate column name '${to}'`);
    }
    if (column.name === to) throw analysisError(`Same column name ${to}`);
    this.#refuseGenerated(column, 'rename');
    this.#distributedBy = this.#distributedBy.map((one) =>
      one.toLowerCase() === column.name.toLowerCase() ? to : one,
    );
    const statsName = column.statsName ?? column.name;
    this.#replace(column, () => ({ ...column, name: to, statsName }));
  }

  #reorder(names: readonly string[]): void {
    const wanted = names.map((name) => this.#find(name));
    const twice = wanted.find((column, index) => wanted.indexOf(column) < index);
    if (twice !== undefined) throw analysisError(`Duplicate column name '${twice.name}'`);
    if (wanted.length < this.#columns.length) {
      // Some columns: the sort key, for files to come.
      const orderBy = wanted.map(({ name }) => ({ name, pos: NOWHERE }));
      sortKeyOf({ orderBy }, this.#table.schema.keysType, this.#columns);
      this.#sortKey = wanted.map(({ fieldId }) => fieldId);
      return;
    }
    this.#columns = wanted;
  }
}

/** The column under its own id: readers convert what the files have. */
function inPlace(
  { fieldId, nestedIds, initialDefault, statsName }: ColumnSchema,
  made: Omit<ColumnSchema, 'fieldId'>,
): ColumnSchema {
  return {
    ...made,
    fieldId,
    ...(nestedIds === undefined ? {} : { nestedIds }),
    ...(initialDefault === undefined ? {} : { initialDefault }),
    ...(statsName === undefined ? {} : { statsName }),
  };
}

const NOWHERE = { start: 0, line: 1, column: 0 };

const KEY_NAMES = { PRIMARY_KEYS: 'PRIMARY KEY', UNIQUE_KEYS: 'UNIQUE KEY' } as const;

/** Changes are done at once: a timeout has nothing to limit, but scripts give one. */
function checkClauseProperties(properties: Readonly<Record<string, string>>): void {
  const unknown = Object.keys(properties).find((key) => key.toLowerCase() !== 'timeout');
  if (unknown !== undefined)
    throw analysisError(`Unknown properties: {${unknown}}, known: timeout`);
}
