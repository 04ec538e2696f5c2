import { posix } from 'node:path'
import type { ShardPlace } from '../inspect/places.ts'

/** Where a document's tokens are, from the run's folder. One that the run has dropped may be fed from another run's shard. */
export function describeShard({ path, row }: ShardPlace): string {
  const promoted = path.startsWith('../') ? ', of a run that the feed was promoted to' : ''
  return `${posix.join('shards', path)}, row ${row}${promoted}`
}
