/** One sealed shard, as the `manifest` topic and the planner know it. Everything in it is a function of the kept rows. */
export interface ManifestEntry {
  /** Path below the shards folder: `<domain>/<number, 8 digits>.arrow`. */
  readonly path: string
  readonly domain: string
  /** Counts from 0 in each domain. */
  readonly number: number
  readonly rows: number
  readonly tokens: number
  readonly textBytes: number
  readonly bytes: number
  readonly sha256: string
  readonly first: { readonly slot: number; readonly row: number }
  readonly last: { readonly slot: number; readonly row: number }
  readonly tokenizer: string
  readonly fingerprint: string
  /** True of the last shard of a feed's `freshness`: all that was kept up to here is in the shards up to this one. */
  readonly closes?: boolean
}

/** A shard's path below the shards folder; `folder` is its domain's. */
export function shardPath(folder: string, number: number): string {
  return `${folder}/${String(number).padStart(8, '0')}.arrow`
}
