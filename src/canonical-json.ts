/** JSON with keys in the order of their UTF-16 code units and no spaces: the same value, the same bytes. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(part => canonicalJson(part ?? null)).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  // Written here and not by JSON.stringify: an object gives keys like '9' and '10' as numbers, before all others.
  const parts = Object.entries(value).filter(([, part]) => part !== undefined)
  const sorted = parts.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${sorted.map(([key, part]) => `${JSON.stringify(key)}:${canonicalJson(part)}`).join(',')}}`
}
