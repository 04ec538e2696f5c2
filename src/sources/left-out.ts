/** Why something that lies where a source looks is not read, in words of one and of many. */
export const leftOutKinds = {
  hidden: ['hidden file or folder', 'hidden files and folders'],
  link: ['link to a folder', 'links to folders'],
  folder: ['folder that a pattern for files matches', 'folders that a pattern for files matches'],
  ending: ['file of another ending', 'files of other endings'],
} as const
export type LeftOutKind = keyof typeof leftOutKinds

/** What of one kind lies where a source looks and is not read: how many there are, and the names of some. */
export interface LeftOut {
  readonly kind: LeftOutKind
  readonly count: number
  readonly names: readonly string[]
}

/** Names of a kind, and characters of a name: what is left out stands in a note of the run, and in a line. */
const namesMax = 3
const charactersMax = 200

/** Gathers what is left out of a list of files while the list is made. */
export class LeftOutFiles {
  readonly #kinds = new Map<string, LeftOutKind>()
  readonly #entered = new Set<string>()

  add(path: string, kind: LeftOutKind): void {
    this.#kinds.set(path, kind)
  }

  /** Notes a folder that a pattern leads into: another one may have left it out. */
  enter(folder: string): void {
    this.#entered.add(folder)
  }

  /** Paths that were left out by one pattern and not reached by another, in rising order; `files` are all that are read. */
  paths(files: Iterable<string> = []): string[] {
    if (this.#kinds.size === 0) return []
    const reached = withParents([...files, ...this.#entered])
    return [...this.#kinds.keys()].filter(path => !reached.has(path)).sort()
  }

  /** The same by kind. */
  list(files: Iterable<string>): readonly LeftOut[] {
    const byKind = Map.groupBy(this.paths(files), path => this.#kinds.get(path)!)
    return Object.keys(leftOutKinds).flatMap(name => {
      const kind = name as LeftOutKind
      const paths = byKind.get(kind) ?? []
      const names = paths.slice(0, namesMax).map(path => path.slice(0, charactersMax).toWellFormed())
      return paths.length > 0 ? { kind, count: paths.length, names } : []
    })
  }
}

/** Paths with the folders that they lie in. */
function withParents(paths: readonly string[]): ReadonlySet<string> {
  const all = new Set<string>()
  for (const path of paths)
    for (let end = path.length; end > 0 && !all.has(path.slice(0, end)); end = path.lastIndexOf('/', end - 1))
      all.add(path.slice(0, end))
  return all
}
