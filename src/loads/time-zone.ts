// Time zones as users write them, and times as SHOW prints them.
import { fixedOffsetSeconds, isTimeZone } from '../query/time-zone.ts';

/** Largest offsets that MySQL and StarRocks take, in seconds. */
const MIN_OFFSET_SECONDS = -13 * 3600 + 60;
const MAX_OFFSET_SECONDS = 14 * 3600;

/**
 * The zone in the form that is stored: offsets as `+08:00`, SYSTEM and CST (which StarRocks takes for
 * China's) as names. Null when there is no such zone.
 */
export function storedTimeZone(text: string): string | null {
  const zone = text.trim();
  if (/^system$/i.test(zone)) return 'Etc/UTC';
  if (/^cst$/i.test(zone)) return 'Asia/Shanghai';
  if (!isTimeZone(zone)) return null;
  const offset = /^([+-])(\d{1,2}):(\d{2})$/.exec(zone);
  if (offset === null) return zone;
  const seconds = fixedOffsetSeconds(zone) ?? 0;
  const [, sign = '+', hours = '', minutes = ''] = offset;
  if (seconds < MIN_OFFSET_SECONDS || seconds > MAX_OFFSET_SECONDS || Number(minutes) > 59) {
    return null;
  }
  return `${sign}${hours.padStart(2, '0')}:${minutes}`;
}

/** Makes times of a zone: `yyyy-MM-dd HH:mm:ss`, 'NULL' for null. Make it once for many times. */
export function timeFormatter(timeZone: string): (atMs: number | null) => string {
  const offset = fixedOffsetSeconds(timeZone);
  const formatter =
    offset === null
      ? new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' })
      : null;
  return (atMs) => {
    if (atMs === null) return 'NULL';
    if (formatter !== null) return formatter.format(new Date(atMs));
    const local = new Date(atMs + (offset ?? 0) * 1000);
    return local.toISOString().slice(0, 19).replace('T', ' ');
  };
}
