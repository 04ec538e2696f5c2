import { type FSWatcher, watch } from 'node:fs'

/**
 * Yields whenever it is time to look for new files: at once, and then after every change that `folders` may have had, and after
 * `pollMs` at the latest. Ends when the signal aborts.
 */
export type WatchFolders = (folders: readonly string[], pollMs: number, signal: AbortSignal) => AsyncIterable<void>

/** Changes come in bursts: one look serves all that arrive within this time. */
const burstMs = 100

/** Asks the system for changes of the folders themselves; changes in folders below, or on a file system without events, wait for the poll. */
export const watchFolders: WatchFolders = async function* (folders, pollMs, signal) {
  let isChanged = false
  let wake = () => {}
  const notice = () => {
    isChanged = true
    wake()
  }
  const wait = async (latestMs: number, isOver: () => boolean) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    wake = () => isOver() && resolve()
    const timer = setTimeout(resolve, latestMs)
    wake()
    await promise
    clearTimeout(timer)
  }
  const watchers = folders.flatMap(folder => tryToWatch(folder, notice))
  signal.addEventListener('abort', notice)
  try {
    while (!signal.aborted) {
      isChanged = false
      yield
      await wait(pollMs, () => isChanged)
      await wait(Math.min(burstMs, pollMs), () => signal.aborted)
    }
  } finally {
    signal.removeEventListener('abort', notice)
    for (const watcher of watchers) watcher.close()
  }
}

/** A watcher, or none where the system refuses one (its number is limited): the poll is enough, only slower. */
function tryToWatch(folder: string, notice: () => void): FSWatcher[] {
  try {
    const watcher = watch(folder, notice)
    watcher.on('error', () => watcher.close())
    return [watcher]
  } catch {
    return []
  }
}
