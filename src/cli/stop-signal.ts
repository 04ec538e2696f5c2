/** Time in which a second signal is the first one again: the terminal signals all its processes, and npm and the launcher pass theirs on. */
const sameSignalMs = 250

export interface StopSignal {
  readonly signal: AbortSignal
  /** Fulfilled with the first signal. */
  readonly stopped: Promise<void>
  /** Gives the signals back, unless one came: the same may still come once more, and must not kill what prints the end. */
  end(): void
}

/**
 * The first SIGINT or SIGTERM aborts the signal, and is told; the second ends the process at once, with `atOnce` done before. With `isBegun`
 * it is as if the first had come.
 */
export function stopOnSignal(
  onFirst: () => void,
  { atOnce = () => {}, isBegun = false }: { readonly atOnce?: () => void; readonly isBegun?: boolean } = {},
): StopSignal {
  const controller = new AbortController()
  if (isBegun) controller.abort()
  const { promise: stopped, resolve } = Promise.withResolvers<void>()
  let first = 0
  const onSignal = () => {
    if (!controller.signal.aborted) {
      first = performance.now()
      onFirst()
      controller.abort()
      resolve()
    } else if (performance.now() - first > sameSignalMs) {
      atOnce()
      process.exit(130)
    }
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  const end = () => {
    if (!controller.signal.aborted) process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  }
  return { signal: controller.signal, stopped, end }
}
