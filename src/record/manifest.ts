import { type Log, readCommitted } from '../log/log.ts'
import type { ManifestEntry } from '../shards/manifest.ts'
import { topics } from './layout.ts'

/** The sealed shards of a run, in the order of sealing. */
export async function* readManifest(log: Log): AsyncIterable<ManifestEntry> {
  for await (const entry of readCommitted(log, topics.manifest))
    yield JSON.parse(Buffer.from(entry.value).toString()) as ManifestEntry
}
