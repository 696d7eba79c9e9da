// Which names databases, tables, columns and jobs may have. SOURCE: StarRocks, identifiers.

/** Names become parts of object keys and labels: no blanks, slashes and control characters. */
const NAME = /^[\p{L}\p{N}_$][\p{L}\p{N}_$\-.]{0,1023}$/u;

export function isObjectName(name: string): boolean {
  return NAME.test(name);
}
