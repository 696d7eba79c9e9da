// Which names carry secrets, and statements with their secrets blanked out: for SHOW PROCESSLIST and
// every other place that shows a statement again. When in doubt it hides. Pure.

/** What is shown in a secret's place, as StarRocks does. */
export const MASK = '******';

const SECRET_NAME =
  /password|passphrase|secret|jaas|token(?!\.endpoint\.url)|credential|access[._]?key|shared[._]?key|private[._]?key|ssl\.key\.pem|keystore\.key|keytab_content/i;

/** Is the value of a property or setting of this name to be kept from being shown? */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** A quoted text; one without its end reaches to the end, since statements are cut for showing. */
const QUOTED = String.raw`'(?:[^'\\]|\\[\s\S]|'')*(?:'|\\?$)|"(?:[^"\\]|\\[\s\S]|"")*(?:"|\\?$)`;
/** Blanks and comments. */
const GAP = String.raw`(?:\s|/\*[\s\S]*?\*/|--[^\n]*\n|#[^\n]*\n)*`;
const PROPERTY = new RegExp(`(${QUOTED})(${GAP}=${GAP})(${QUOTED})`, 'g');
const AFTER_WORD = new RegExp(
  String.raw`(\b(?:IDENTIFIED${GAP}(?:WITH${GAP}\w+${GAP})?(?:BY|AS)|PASSWORD${GAP}[(=])${GAP})(${QUOTED})`,
  'gi',
);
const URL_USER = /(\w:\/\/)[^\s/@'"]+@/g;

/** Without user and password in URLs. */
export function maskUrlUsers(text: string): string {
  return text.replace(URL_USER, `$1${MASK}@`);
}

/** The text with the values of secret properties, passwords and credentials in URLs as `******`. */
export function maskSecrets(sql: string): string {
  return sql
    .replace(PROPERTY, (whole, key: string, equals: string, value: string) =>
      isSecretName(key) ? `${key}${equals}${value.slice(0, 1)}${MASK}${value.slice(0, 1)}` : whole,
    )
    .replace(AFTER_WORD, (_whole, head: string, value: string) => {
      const quote = value.slice(0, 1);
      return `${head}${quote}${MASK}${quote}`;
    })
    .replace(URL_USER, `$1${MASK}@`);
}
