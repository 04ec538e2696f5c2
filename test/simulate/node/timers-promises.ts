import { clearTimeout, setTimeout as startTimer } from './timers.ts'

/** `node:timers/promises` by the simulated clock. */
export function setTimeout<T>(ms: number, value?: T, { signal }: { signal?: AbortSignal } = {}): Promise<T> {
  return new Promise((resolve, reject) => {
    const refuse = () => {
      clearTimeout(timer)
      reject(signal!.reason)
    }
    const timer = startTimer(() => {
      signal?.removeEventListener('abort', refuse)
      resolve(value as T)
    }, ms)
    if (signal?.aborted) refuse()
    else signal?.addEventListener('abort', refuse)
  })
}

export function setImmediate<T>(value?: T): Promise<T> {
  return setTimeout(0, value)
}
