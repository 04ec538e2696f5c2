import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { HeadraceError } from '../errors.ts'

/** A file of code, by its URL, and the SHA-256 of what was loaded of it. */
export type LoadedModule = readonly [url: string, sha256: string]

/** Headrace's own code is not a pipeline's. */
const ownFolder = new URL('../', import.meta.url).href

/**
 * The files of code that a thread has loaded beside Headrace's own: a pipeline, what it imports, and what that imports. A thread that
 * begins later is told what the first one loaded, so that it loads the same or stops before it runs any of it.
 */
export class LoadedCode {
  readonly #loaded = new Map<string, string>()
  #expected: ReadonlyMap<string, string> = new Map()

  /** All so far. */
  list(): LoadedModule[] {
    return [...this.#loaded]
  }

  /** From now on these files are loaded as they were then, or not at all. */
  expect(modules: readonly LoadedModule[]): void {
    this.#expected = new Map(modules)
  }

  /** Takes note of a file's source; null where Node reads that later. Throws 'source-changed' unless it is what is expected. */
  see(url: string, source: string | ArrayBuffer | NodeJS.TypedArray | null | undefined): void {
    if (!url.startsWith('file:') || url.startsWith(ownFolder)) return
    const path = fileURLToPath(url)
    const bytes = source instanceof ArrayBuffer ? new Uint8Array(source) : (source ?? readFileSync(path))
    const sha256 = hash('sha256', bytes)
    const expected = this.#expected.get(url) ?? sha256
    if (expected !== sha256)
      throw new HeadraceError(
        'source-changed',
        `${path} was edited while the run was at work, and a thread that begins now would not do what the others do: restore the file, or give the same command again, which holds the pipeline against the run's`,
      )
    this.#loaded.set(url, sha256)
  }
}
