/** Arrow's times as ISO 8601, with the digits that their units have. Units by their numbers: seconds, milli, micro, nano. */
const perSecond = [1n, 1000n, 1_000_000n, 1_000_000_000n] as const
const digitsOf = [0, 3, 6, 9] as const
const dayMs = 86_400_000n
/** What a Date holds: 100,000,000 days on both sides of 1970. */
const dateMsMax = 8_640_000_000_000_000n

export type TimeUnit = 0 | 1 | 2 | 3

/** Days since 1970, or their number as digits where no calendar reaches. */
export function writeDate(days: bigint): string {
  const ms = days * dayMs
  return isDate(ms) ? isoOf(ms).slice(0, -'T00:00:00.000Z'.length) : `${days}`
}

/** An instant where a zone is known, which it is then given in UTC; else a time of no zone. */
export function writeTimestamp(value: bigint, unit: TimeUnit, hasZone: boolean): string {
  const { whole, fraction } = cut(value, unit)
  if (!isDate(whole * 1000n)) return `${value}`
  return `${isoOf(whole * 1000n).slice(0, -'.000Z'.length)}${fraction}${hasZone ? 'Z' : ''}`
}

export function writeTimeOfDay(value: bigint, unit: TimeUnit): string {
  const { whole, fraction } = cut(value, unit)
  if (whole < 0n || whole >= 86_400n) return `${value}`
  return `${isoOf(whole * 1000n).slice(11, 19)}${fraction}`
}

/** ISO's `P...` of months, days, and a time in a unit; parts that are 0 are left out. */
export function writeDuration(months: number, days: number, value: bigint, unit: TimeUnit): string {
  const { whole, fraction } = cut(value < 0n ? -value : value, unit)
  const seconds = `${whole}${fraction}`.replace(/(?<=\.\d*?)0+$|\.0+$/, '').replace(/\.$/, '')
  const time = value === 0n ? '' : `T${value < 0n ? '-' : ''}${seconds}S`
  const date = `${months ? `${months}M` : ''}${days ? `${days}D` : ''}`
  return date || time ? `P${date}${time}` : 'PT0S'
}

function cut(value: bigint, unit: TimeUnit): { whole: bigint; fraction: string } {
  const per = perSecond[unit]
  const part = ((value % per) + per) % per
  const fraction = digitsOf[unit] ? `.${`${part}`.padStart(digitsOf[unit], '0')}` : ''
  return { whole: (value - part) / per, fraction }
}

const isDate = (ms: bigint) => ms <= dateMsMax && ms >= -dateMsMax
const isoOf = (ms: bigint) => new Date(Number(ms)).toISOString()

/** An exact decimal: `unscaled` without its last `scale` digits, which stand behind the point. */
export function writeDecimal(unscaled: bigint, scale: number): string {
  if (scale <= 0) return `${unscaled}${unscaled === 0n ? '' : '0'.repeat(-scale)}`
  const digits = `${unscaled < 0n ? -unscaled : unscaled}`.padStart(scale + 1, '0')
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}
