/** An iterator whose next item can be looked at. */
export class Ahead<T> implements AsyncDisposable {
  readonly #items: AsyncIterator<T>
  #next: T | null | undefined

  constructor(items: AsyncIterable<T>) {
    this.#items = items[Symbol.asyncIterator]()
  }

  async peek(): Promise<T | null> {
    if (this.#next === undefined) {
      const { done, value } = await this.#items.next()
      this.#next = done ? null : (value as T)
    }
    return this.#next
  }

  async take(): Promise<void> {
    if (await this.peek()) this.#next = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#items.return?.()
  }
}
