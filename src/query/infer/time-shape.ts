// Texts that are a date or a moment in ISO 8601's usual spelling, and really are one: 2026-02-30 is none. Only
// these count when types are guessed; what converts when it is loaded is more.

const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const MOMENT = /^(\d{4}-\d\d-\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(?:Z|[+-](\d\d):?(\d\d))?$/;

/** `2026-03-01` */
export function isWritableDate(text: string): boolean {
  const [, year = '', month = '', day = ''] = DATE.exec(text) ?? [];
  if (year === '' || Number(year) === 0) return false;
  const last = new Date(Date.UTC(2000, 0, 1));
  last.setUTCFullYear(Number(year), Number(month), 0);
  return (
    Number(month) >= 1 &&
    Number(month) <= 12 &&
    Number(day) >= 1 &&
    Number(day) <= last.getUTCDate()
  );
}

/** `2026-03-01 10:00:00`, `2026-03-01T10:00:00.123Z`, `2026-03-01T10:00:00+08:00` */
export function isWritableMoment(text: string): boolean {
  const [, date = '', hour = '', minute = '', second = '', zoneHour = '0', zoneMinute = '0'] =
    MOMENT.exec(text) ?? [];
  if (date === '' || !isWritableDate(date)) return false;
  // Zones move a moment by up to a day: at the ends of the calendar it may fall out of it.
  if (/^(0001|9999)/.test(date)) return false;
  const fits = Number(hour) < 24 && Number(minute) < 60 && Number(second) < 60;
  return fits && Number(zoneHour) <= 14 && Number(zoneMinute) < 60;
}
