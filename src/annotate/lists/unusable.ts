import { cleanName } from '../../text/printable.ts'

/** Lines of lists that say nothing: counted, with the first of them and why. */
export class UnusableLines {
  count = 0
  #first = ''

  add(file: string, number: number, line: string, why: string): void {
    if (this.count++ === 0) this.#first = `line ${number} of ${file}, '${cleanName(line)}', ${why}`
  }

  /** In words, from the number on; null where there is none. */
  describe(): string | null {
    if (this.count === 0) return null
    const more = this.count === 1 ? '1 line is unusable' : `${this.count} lines are unusable, the first is`
    return `${more}: ${this.#first}`
  }
}
