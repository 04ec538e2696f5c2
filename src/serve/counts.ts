/** What a server did. Each request is counted once by its answer; connections that never asked are counted apart. */
export interface ServeCounts {
  /** 200 and 206. */
  files: number
  ranges: number
  /** 304: the client has it. */
  unchanged: number
  /** Bytes of files that were handed to the system. */
  bytes: number
  /** 200 of requests that brought reports, and how many of these were new. */
  reports: number
  reportLines: number
  /** 404 */
  missing: number
  /** Of these, files that a link puts outside the folders that are served. */
  outside: number
  /** 401 */
  unauthorized: number
  /** 400, 403, 405, 409, 412, 413, 415, 416, 421 and requests that are none. */
  refused: number
  /** 503: too many connections, or files open. */
  busy: number
  /** 500, and 503 of reports: the disk refused. */
  failed: number
  /** Answers that ended before their last byte: the client went, was too slow, or the file became shorter. */
  cut: number
  /** Connections that were closed for others, or asked too slowly. */
  closed: number
}

export function noCounts(): ServeCounts {
  const fine = { files: 0, ranges: 0, unchanged: 0, bytes: 0, missing: 0, outside: 0, reports: 0, reportLines: 0 }
  return { ...fine, unauthorized: 0, refused: 0, busy: 0, failed: 0, cut: 0, closed: 0 }
}

export function countRequests(counts: ServeCounts): number {
  const { files, unchanged, reports, missing, unauthorized, refused, busy, failed } = counts
  return files + unchanged + reports + missing + unauthorized + refused + busy + failed
}
