import type { DeadRecord } from '../sources/source.ts'
import { formatPlural } from './table.ts'
import { cleanName, cleanPath } from './wrap.ts'

/** A text as it was read: from a file's record, or a run's row. */
export interface InputText {
  /** UTF-8. */
  readonly bytes: Uint8Array
  readonly url: string
  /** The file that it came in. */
  readonly file: string
  /** Where it stands in a run; null where it is of no run. */
  readonly place: { readonly slot: number; readonly row: number; readonly id: string } | null
  /** What stands in a field that has no role, or in a run's column, as text; null without one. */
  field(name: string): string | null
}

/** What was passed over of texts: how many records could not be read, with the first one, and what else there is to tell. */
export class Unread {
  #count = 0
  #first: (DeadRecord & { readonly split: string }) | null = null
  readonly #notes = new Set<string>()

  add(split: string, dead: readonly DeadRecord[]): void {
    this.#count += dead.length
    if (dead.length > 0) this.#first ??= { split, ...dead[0] }
  }

  /** What is told once, a sentence without its full stop. */
  note(what: string): void {
    this.#notes.add(what)
  }

  get count(): number {
    return this.#count
  }

  get notes(): readonly string[] {
    return [...this.#notes]
  }

  /** Lines that tell of it, or nothing. */
  describe(): string {
    const notes = this.notes.map(note => `${note}\n`).join('')
    if (!this.#first) return notes
    const { split, line, reason, detail } = this.#first
    const where = `${cleanPath(split)}${line > 0 ? `:${line}` : ''}`
    return `${formatPlural(this.#count, 'record')} could not be read: the first is ${where}, ${reason} (${cleanName(detail, 200)})\n${notes}`
  }
}
