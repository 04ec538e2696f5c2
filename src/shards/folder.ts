import { hash } from 'node:crypto'

/** Names that every file system takes as they are: lower case, and no sign that one of them reserves or drops. */
const plain = /^[a-z0-9_-][a-z0-9._-]{0,99}$/
/**
 * Windows drops a dot at the end, and opens devices by these names, whatever follows the first dot. 64 hexadecimal digits may be the
 * folder of another name: see `folderBefore`.
 */
const reserved = /\.$|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)|^[0-9a-f]{64}$/

/**
 * A domain's name as a folder's. Names come from documents, and no two share a folder, on no file system: those that fold case or
 * normalise letters too. A plain name is its own folder; any other keeps its first letters and digits for people, then `+` and its SHA-256.
 */
export function folderOf(domain: string): string {
  if (plain.test(domain) && !reserved.test(domain)) return domain
  const letters = domain.replace(/[^A-Za-z0-9]+/g, '-')
  return `${letters.slice(0, 40).toLowerCase()}+${hash('sha256', domain)}`
}

/** The folder of a domain in runs that were begun under the rule before, by which two names could share one. `folderOf` gives it to no other name. */
export function folderBefore(domain: string): string {
  const escaped = encodeURIComponent(domain.toWellFormed()).replace(/^\./, '%2E') || '%'
  return escaped.length <= 200 ? escaped : hash('sha256', domain)
}

/**
 * The folders of a run's shards. A domain goes on in the folder that it has, as long as that is its alone: a run that was begun under
 * other rules for names keeps each domain in one place.
 */
export class ShardFolders {
  readonly #folders = new Map<string, string>()
  readonly #domains = new Map<string, string>()
  readonly #shared = new Set<string>()

  /** Learns from a sealed shard. */
  add({ domain, path }: { readonly domain: string; readonly path: string }): void {
    const folder = path.slice(0, path.lastIndexOf('/'))
    this.#folders.set(domain, folder)
    if ((this.#domains.get(folder) ?? domain) !== domain) this.#shared.add(folder)
    this.#domains.set(folder, domain)
  }

  of(domain: string): string {
    const folder = this.#folders.get(domain)
    return folder === undefined || this.#shared.has(folder) ? folderOf(domain) : folder
  }
}
