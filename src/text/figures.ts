// Figures as people read them, on terminals and on pages.

/** 1234567 as `1,234,567`. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** 1234567 as `1.2M`, for places with little room. */
export function formatShort(count: number): string {
  if (count < 10_000) return formatCount(count)
  const power = Math.min(3, Math.floor(Math.log10(count) / 3))
  const scaled = count / 1000 ** power
  return `${scaled.toFixed(scaled < 100 ? 1 : 0)}${' kMG'[power]}`
}

/** `1 document`, `2 documents`. */
export function formatPlural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** A measured value with at most four digits behind its first; text and null as they are. */
export function formatMeasured(value: number | string | null): string {
  return typeof value === 'number' ? String(Number.isInteger(value) ? value : +value.toPrecision(4)) : (value ?? '')
}

/** A share as `12.3%`. */
export function formatShare(part: number, whole: number): string {
  return whole ? `${((100 * part) / whole).toFixed(1)}%` : '-'
}

/** Bytes as `12.3 MB`, in powers of 1000. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3))
  return `${(bytes / 1000 ** power).toFixed(power ? 1 : 0)} ${units[power]}`
}

/** Seconds as `1:02:03`, `2:03` or `4.5 s`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60]
  const shown = parts[0] ? parts : parts.slice(1)
  return shown.map((part, i) => (i ? String(part).padStart(2, '0') : String(part))).join(':')
}
