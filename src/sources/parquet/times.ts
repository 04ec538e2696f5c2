/**
 * Times in ISO 8601, with as many digits of the second as their unit has, so that nothing is cut and those of one column sort as text.
 * What is of UTC ends in `Z`; a local time has no mark.
 */
const secondsOfDay = 86_400n

/** A day, counted from 1970-01-01. Years beyond four digits have a sign and six. */
export function formatDate(day: number): string {
  const { year, month, date } = toCivil(day)
  const digits = String(Math.abs(year))
  const sign = year < 0 ? '-' : '+'
  const isPlain = year >= 0 && year <= 9999
  return `${isPlain ? digits.padStart(4, '0') : sign + digits.padStart(6, '0')}-${pad(month)}-${pad(date)}`
}

/** Units of 10^-`digits` seconds since 1970-01-01. */
export function formatTimestamp(value: bigint, digits: number, isUtc: boolean): string {
  const unitsOfDay = secondsOfDay * 10n ** BigInt(digits)
  const rest = ((value % unitsOfDay) + unitsOfDay) % unitsOfDay
  return `${formatDate(Number((value - rest) / unitsOfDay))}T${formatTime(rest, digits)}${isUtc ? 'Z' : ''}`
}

/**
 * Units of 10^-`digits` seconds since midnight. What is no time of a day stays a number. There is no mark of UTC, as the most common writer
 * says so of every time.
 */
export function formatTime(value: bigint, digits: number): string {
  const units = 10n ** BigInt(digits)
  if (value < 0n || value >= secondsOfDay * units) return String(value)
  const second = Number(value / units)
  const clock = [Math.floor(second / 3600), Math.floor(second / 60) % 60, second % 60].map(pad).join(':')
  return `${clock}.${String(value % units).padStart(digits, '0')}`
}

/** Months, days and milliseconds, each 32 bits, as a duration. */
export function formatInterval(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const [months, days, millis] = [0, 4, 8].map(at => view.getUint32(at, true))
  return `P${months}M${days}DT${Math.floor(millis / 1000)}.${String(millis % 1000).padStart(3, '0')}S`
}

const pad = (number: number) => String(number).padStart(2, '0')

/**
 * The Gregorian date of a day, by eras of 400 years that begin in March, so that a leap day is the last of its year. `Date` ends at the year
 * 275760, and the times of a Parquet file do not.
 */
function toCivil(day: number): { year: number; month: number; date: number } {
  const shifted = day + 719_468
  const era = Math.floor(shifted / 146_097)
  const ofEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  )
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const fromMarch = Math.floor((5 * ofYear + 2) / 153)
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
  const date = ofYear - Math.floor((153 * fromMarch + 2) / 5) + 1
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, date }
}
