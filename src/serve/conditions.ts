/** Bytes `first` to `last` (inclusive), as HTTP counts them. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

/** What is answered for a file: 200 all of it, 206 a range, 304 nothing new, 412 another file than was meant, 416 a range that it has not. */
export type Decision = { readonly status: 200 | 304 | 412 | 416 } | { readonly status: 206; readonly range: ByteRange }

/** The headers that decide it. */
export type ConditionHeaders = {
  readonly [Name in 'range' | 'if-match' | 'if-none-match' | 'if-range']?: string | undefined
}

/**
 * What a GET or HEAD is answered, by RFC 9110, sections 13.2.2 and 14.2. A date in `If-Range` is never the file's, as none is sent; several
 * ranges in one request, and what is no range, are as if none was asked for.
 */
export function decide(headers: ConditionHeaders, { size, etag }: { size: number; etag: string }): Decision {
  const { range, 'if-match': match, 'if-none-match': noneMatch, 'if-range': ifRange } = headers
  if (match !== undefined && !isListed(match, etag, false)) return { status: 412 }
  if (noneMatch !== undefined && isListed(noneMatch, etag, true)) return { status: 304 }
  if (range === undefined || (ifRange !== undefined && ifRange.trim() !== etag)) return { status: 200 }
  return readRange(range, size)
}

/** Whether a list of tags has this one. Weak tags are compared as if they were strong, or not at all. */
function isListed(list: string, etag: string, isWeakFine: boolean): boolean {
  if (list.trim() === '*') return true
  for (const [, weak, tag] of list.matchAll(/(W\/)?("[^"]*")/g)) if (tag === etag && (isWeakFine || !weak)) return true
  return false
}

function readRange(text: string, size: number): Decision {
  const [, from, to] = /^bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/i.exec(text) ?? []
  if (from === undefined || (from === '' && to === '')) return { status: 200 }
  const isTail = from === ''
  const first = isTail ? Math.max(0, size - Number(to)) : Number(from)
  const last = isTail || to === '' ? size - 1 : Math.min(Number(to), size - 1)
  if (!isTail && to !== '' && Number(to) < Number(from)) return { status: 200 }
  return first > last ? { status: 416 } : { status: 206, range: { first, last } }
}
