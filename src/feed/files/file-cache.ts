/** Open files by name, at most `filesMax` of them: the one that was used longest ago is closed first. */
export class OpenFiles<T extends Disposable> implements Disposable {
  readonly #files = new Map<string, T>()
  readonly #filesMax: number

  constructor(filesMax: number) {
    this.#filesMax = filesMax
  }

  /** The file `name`, opened when it is not. It stays open until `filesMax` others were used. */
  get<F extends T>(name: string, open: () => F): F {
    const known = this.#files.get(name) as F | undefined
    if (known) this.#files.delete(name)
    const file = known ?? open()
    this.#files.set(name, file)
    if (this.#files.size > this.#filesMax) {
      const [oldest, unused] = this.#files.entries().next().value!
      this.#files.delete(oldest)
      unused[Symbol.dispose]()
    }
    return file
  }

  [Symbol.dispose](): void {
    for (const file of this.#files.values()) file[Symbol.dispose]()
    this.#files.clear()
  }
}
