// What every driver throws for a broken UNIQUE or PRIMARY KEY rule.

/** Repositories turn it into the error of their object. */
export class UniqueViolation extends Error {
  constructor(text: string) {
    super(text);
    this.name = 'UniqueViolation';
  }
}
