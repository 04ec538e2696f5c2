/** Readers of a log that are at its end and wait for the next commit, or for their signal. */
export class Waiters {
  #waiting: (() => void)[] = []

  /** Resolves at the next `wake`, or when `signal` aborts; leaves nothing behind on the signal. */
  wait(signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const wake = () => {
        signal.removeEventListener('abort', wake)
        resolve()
      }
      this.#waiting.push(wake)
      signal.addEventListener('abort', wake)
    })
  }

  wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }
}
