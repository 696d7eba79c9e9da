// Sizes as StarRocks prints them in its lists.

const UNITS = ['TB', 'GB', 'MB', 'KB'] as const;

/** `1.500 KB`, `12.000 ` for bytes below a kilobyte. SOURCE: StarRocks, SHOW DATA. */
export function byteText(bytes: number): string {
  let unitBytes = 1024 ** UNITS.length;
  for (const unit of UNITS) {
    if (bytes >= unitBytes) return `${(bytes / unitBytes).toFixed(3)} ${unit}`;
    unitBytes /= 1024;
  }
  return `${bytes.toFixed(3)} `;
}
