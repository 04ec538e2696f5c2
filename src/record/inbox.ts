import { join } from 'node:path'
import { makeFolder } from '../disk/durable-file.ts'
import { listNames, removeFile } from '../disk/files.ts'
import { readJson, type Shape, writeJson } from '../disk/json-file.ts'
import { HeadraceError } from '../errors.ts'

/** Entries of one kind that wait, at most: people write them, and the run takes them. */
const entriesMax = 1000

/** What people ask of a run, each as a file in its folder `inbox`. The ending tells one kind of entry from another. */
export class Inbox<T extends object> {
  readonly #ending: string
  readonly #shape: Shape
  readonly #fault: string

  /** `shape` and `fault`: see `readJson`. */
  constructor(ending: string, shape: Shape, fault: string) {
    this.#ending = ending
    this.#shape = shape
    this.#fault = fault
  }

  /** Writes an entry so that it lasts, for the run to find. Throws 'limit' where too many wait. */
  async put(dir: string, name: string, entry: T): Promise<void> {
    const folder = join(dir, 'inbox')
    const full = `${folder} holds ${entriesMax} entries that no run has taken: delete the old ones`
    if ((await this.#names(dir)).length >= entriesMax) throw new HeadraceError('limit', full)
    await makeFolder(folder)
    await writeJson(this.#pathOf(dir, name), entry)
  }

  /**
   * All entries that wait, by name and in the order of their names; one that the run takes meanwhile is left out. One that is damaged is
   * an error that names it: somebody decided something.
   */
  async list(dir: string): Promise<Map<string, T>> {
    const entries = new Map<string, T>()
    for (const name of await this.#names(dir)) {
      const entry = await readJson<T>(this.#pathOf(dir, name), this.#shape, this.#fault)
      if (entry) entries.set(name, entry)
    }
    return entries
  }

  /** Removes an entry; one that is gone already is fine. */
  async remove(dir: string, name: string): Promise<void> {
    await removeFile(this.#pathOf(dir, name))
  }

  async #names(dir: string): Promise<string[]> {
    const names = (await listNames(join(dir, 'inbox'))).filter(name => name.endsWith(this.#ending))
    return names.map(name => name.slice(0, -this.#ending.length)).sort()
  }

  #pathOf(dir: string, name: string): string {
    return join(dir, 'inbox', name + this.#ending)
  }
}
