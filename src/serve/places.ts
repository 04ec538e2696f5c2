import { basename, dirname, join, posix, resolve } from 'node:path'

/** A folder that is served, and the path below which it is. What lies in it is a feed's, forks that are feeds, or shards. */
export interface Place {
  /** Begins and ends with a slash, decoded. */
  readonly path: string
  readonly root: string
  readonly kind: 'feed' | 'forks' | 'shards' | 'promoted'
}

/** A file that may be served: its path below a root. */
export interface Asked {
  readonly root: string
  readonly path: string
  /** Says what the feed is now: whoever keeps it would train on what was. */
  readonly isLive: boolean
}

/**
 * The folders that a feed consists of: itself at `/feed/`, and its shards where `head.json`'s `shards` leads from there, as URLs are resolved,
 * with those of promotions beside them. Forks are served with the run's own feed; a fork that is given is served by itself.
 */
export function placesOf(feed: string, shards: string): readonly Place[] {
  const own = resolve(feed)
  const run = dirname(resolve(feed, shards))
  const path = posix.resolve('/feed', shards)
  const besides = (name: string) => posix.join(path, '..', name, '/')
  const isRuns = join(run, 'feed') === own && basename(path) === 'shards'
  return [
    { path: posix.join(path, '/'), root: resolve(feed, shards), kind: 'shards' },
    { path: besides('promoted'), root: join(run, 'promoted'), kind: 'promoted' },
    ...(isRuns ? [{ path: '/forks/', root: join(run, 'forks'), kind: 'forks' } as const] : []),
    { path: '/feed/', root: own, kind: 'feed' },
  ]
}

// A run's folder holds far more than a trainer needs, and a feed's what its writer has not finished. So what is served is a list of names, in
// which none leads out of its folder, and not whatever lies there.
const number = String.raw`\d{8,16}`
const folder = String.raw`(?!\.)[\w!'()*+.~%-]{1,210}`
const shard = `${folder}/${number}\\.arrow`
const feedFile = [
  String.raw`(?:head|control|trimmed)\.json`,
  `steps/${number}\\.jsonl`,
  `blocks/${folder}/${number}(?:\\.\\d{1,9})?\\.arrow`,
  String.raw`promoted/[0-9a-f]{64}\.jsonl`,
  `take-downs/${number}\\.jsonl`,
  `rows/${number}(?:\\.\\d{1,9})?\\.(?:i32|spans|json)`,
].join('|')

const names: Readonly<Record<Place['kind'], RegExp>> = {
  feed: new RegExp(`^(?:${feedFile})$`),
  forks: new RegExp(`^(?!\\.)[\\w.-]{1,200}(?<!\\.tmp)/(?:${feedFile})$`),
  shards: new RegExp(`^${shard}$`),
  promoted: new RegExp(`^[0-9a-f]{16}/${shard}$`),
}

/** The file that a URL's path names, or null where it names none that is served. Nothing is looked at on the disk. */
export function findAsked(places: readonly Place[], url: string): Asked | null {
  const asked = decodePath(url)
  for (const { path, root, kind } of places)
    if (asked?.startsWith(path) && names[kind].test(asked.slice(path.length))) {
      const below = asked.slice(path.length)
      return { root, path: below, isLive: /(?:^|\/)(?:head|control|trimmed)\.json$/.test(below) }
    }
  return null
}

/** A path, `..` resolved as a URL's is, and then decoded once; null where it is none. */
function decodePath(url: string): string | null {
  const [raw] = url.split('?', 1)
  if (!raw.startsWith('/')) return null
  const parts: string[] = []
  for (const part of raw.slice(1).split('/'))
    if (part === '..') parts.pop()
    else if (part !== '.') parts.push(part)
  try {
    // An encoded slash or dot is one of a name, and no name has one.
    const decoded = parts.map(part => decodeURIComponent(part))
    return decoded.some(part => part === '..' || /[/\\\0]/.test(part)) ? null : `/${decoded.join('/')}`
  } catch {
    return null
  }
}
