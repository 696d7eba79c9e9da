// The metadata columns of messages in the load's statement: read from the packed line as text, cast to their types.
import { quoteIdentifier } from '../../model/duckdb-text.ts';
import { METADATA_COLUMNS, type MetadataName, metadataKey } from '../../model/message-metadata.ts';
import { duckdbType } from '../../model/sql-type.ts';

/** Quoted name of the column that the metadata is read as. */
export function metadataSource(name: MetadataName): string {
  return quoteIdentifier(metadataKey(name));
}

/** Its value in its own type; NULL where it has none that the type knows (a year above 9999). */
export function metadataSql(name: MetadataName): string {
  return `TRY_CAST(${metadataSource(name)} AS ${duckdbType(METADATA_COLUMNS[name])})`;
}
