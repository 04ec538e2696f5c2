import { hash } from 'node:crypto'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { makeFolder, syncFolder } from '../disk/durable-file.ts'
import { sizeOf } from '../disk/files.ts'
import { shareFile } from '../disk/share-file.ts'
import type { RunReader } from '../record/run-reader.ts'
import type { ManifestEntry } from '../shards/manifest.ts'
import { openShard } from '../shards/shard.ts'

/**
 * The shards of another run stand in the folder that a feed lies in, as hard links, for it and all its forks: so that folder stays all that a
 * trainer needs, whatever becomes of the other run. On another file system they are copies.
 */
export class ShardLinks {
  readonly #run: RunReader
  readonly #folder: string
  readonly #shards: string
  readonly #checkOwner: () => void

  /** `home` is the folder of the run that the feed is of, or what stands for it; `folder` the one of the links in it. */
  constructor(home: string, run: RunReader, checkOwner: () => void = () => {}, folder = 'promoted') {
    const own = join(run.dir, 'shards')
    this.#run = run
    this.#shards = join(home, 'shards')
    this.#folder = resolve(own) === resolve(this.#shards) ? own : join(home, folder, nameLinks(run))
    this.#checkOwner = checkOwner
  }

  /** A shard's path from the feed's shards folder, with `/`. */
  pathOf({ path }: ManifestEntry): string {
    return relative(resolve(this.#shards), resolve(this.#folder, path)).split(sep).join('/')
  }

  /** Makes the links of these shards last. What a stopped process left is looked at and taken. */
  async make(entries: readonly ManifestEntry[]): Promise<void> {
    const own = join(this.#run.dir, 'shards')
    if (this.#folder === own) return
    const folders = new Set<string>()
    for (const entry of entries) {
      const [from, to] = [join(own, entry.path), join(this.#folder, entry.path)]
      if (!folders.has(dirname(to))) await makeFolder(dirname(to))
      folders.add(dirname(to))
      this.#checkOwner()
      if ((await sizeOf(to)) === null) await shareFile(from, to)
      openShard(to, entry).close()
    }
    for (const folder of folders) await syncFolder(folder)
  }
}

/** The folder of a run's links. */
export function nameLinks({ run: { id, segments } }: RunReader): string {
  return hash('sha256', id ?? segments[0].shard).slice(0, 16)
}
