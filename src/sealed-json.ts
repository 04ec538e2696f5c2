import { hash } from 'node:crypto'

/** How a sealed text ends: the SHA-256 of the text with `}` in place of this. */
const sealLength = `,"sha256":"${'0'.repeat(64)}"}\n`.length

/** The JSON of an object with `sha256` as its last key: of the JSON without it. */
export function sealJson(content: object): string {
  const text = JSON.stringify(content)
  return `${text.slice(0, -1)},"sha256":"${hash('sha256', text)}"}\n`
}

/** Whether a text is as `sealJson` wrote it. Anybody can seal a text: what it holds is still to be looked at. */
export function isSealed(text: string): boolean {
  const body = `${text.slice(0, -sealLength)}}`
  return text === `${body.slice(0, -1)},"sha256":"${hash('sha256', body)}"}\n`
}

/** The object that a text is as JSON, or null. */
export function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}
