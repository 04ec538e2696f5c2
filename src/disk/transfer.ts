import { readSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'

// A system may read or write less than it was asked for. What is here asks for the rest.

/** Reads `length` bytes from `at`, or fewer at the end of the file, into memory of its own. */
export async function readBytes(file: FileHandle, at: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length)
  for (let done = 0; done < length; ) {
    const { bytesRead } = await file.read(bytes, done, length - done, at + done)
    if (bytesRead === 0) return bytes.slice(0, done)
    done += bytesRead
  }
  return bytes
}

/** As `readBytes`, without giving way: of some kilobytes, handing over to a thread and back takes longer than reading them. */
export function readNow({ fd }: FileHandle, at: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  for (let done = 0; done < length; ) {
    const bytesRead = readSync(fd, bytes, done, length - done, at + done)
    if (bytesRead === 0) return bytes.slice(0, done)
    done += bytesRead
  }
  return bytes
}

export async function writeBytes(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; )
    done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten
}

const copyStepBytes = 1024 * 1024

/** Copies `source[from, to)` to `target` from `at` on, and returns how many bytes: fewer where `source` ends before. */
export async function copyBytes(
  source: FileHandle,
  from: number,
  to: number,
  target: FileHandle,
  at: number,
): Promise<number> {
  for (let done = 0; from + done < to; ) {
    const bytes = await readBytes(source, from + done, Math.min(copyStepBytes, to - from - done))
    if (bytes.length === 0) return done
    await writeBytes(target, bytes, at + done)
    done += bytes.length
  }
  return to - from
}
