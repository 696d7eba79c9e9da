// Options that every COPY of the pipeline has besides those of the table's layout.

/** Writes under the given name at once, so that a crash leaves no file of another name. */
export const OWN_FILE = 'USE_TMP_FILE false';
