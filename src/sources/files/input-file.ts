import type { Stats } from 'node:fs'

/** An open file of a known size. */
export interface InputFile extends AsyncDisposable {
  readonly size: number
  /** As it was opened. */
  readonly identity: Identity
  /** The bytes from `start` to `end` with memory of their own; fewer where the file ends. */
  read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>>
  /** Its size and identity now. */
  look(): Promise<Pick<InputFile, 'size' | 'identity'>>
}

/** What the system says of a file that is another whenever the content is; null where that is not certain. */
export type Identity = string | null

/** A change this soon after another may leave the same time: file systems count in steps, the coarsest of two seconds. */
const coarseMs = 2500

/** `openedAt` is the clock's time before the file was opened: only a time well before it says that nothing was written since. */
export function identityOf(found: Stats, openedAt: number): Identity {
  const { dev, ino, size, mtimeMs, ctimeMs } = found
  const isCertain = Math.max(mtimeMs, ctimeMs) < openedAt - coarseMs
  return isCertain ? [dev, ino, size, mtimeMs, ctimeMs].join(' ') : null
}
