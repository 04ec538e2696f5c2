import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { limits } from '../limits.ts'
import type { ByteRange } from './conditions.ts'
import type { ServedFile } from './served-file.ts'

/** How fast an answer must be taken: at least so many bytes in each stretch of so many milliseconds. */
export interface Pace {
  readonly stallMs: number
  readonly bytesMin: number
}

/**
 * Sends bytes of a file, and says how many the system took. Less than all of them: the client went or was too slow, or the file became shorter;
 * the connection is gone then, so that nobody takes what came for whole.
 */
export async function sendBytes(
  response: ServerResponse,
  file: ServedFile,
  { first, last }: ByteRange,
  pace: Pace,
): Promise<number> {
  const whole = last - first + 1
  if (file.bytes) {
    response.end(file.bytes.subarray(first, last + 1))
    return whole
  }
  let sent = 0
  const watch = watchPace(response, () => sent, pace)
  // The server has the handle, and closes it.
  const options = { start: first, end: last, highWaterMark: limits.serveChunkBytes, autoClose: false }
  const stream = file.handle.createReadStream(options)
  try {
    await pipeline(
      stream,
      async function* count(chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          yield chunk
          sent += chunk.length
        }
        if (sent < whole) throw new Error('the file became shorter')
      },
      response,
    )
  } catch {
    response.destroy()
  } finally {
    clearInterval(watch)
  }
  return sent
}

/** Ends an answer whose reader takes too little at a time. */
function watchPace(response: ServerResponse, taken: () => number, { stallMs, bytesMin }: Pace): NodeJS.Timeout {
  let before = 0
  return setInterval(() => {
    if (taken() - before < bytesMin) response.destroy()
    before = taken()
  }, stallMs).unref()
}
