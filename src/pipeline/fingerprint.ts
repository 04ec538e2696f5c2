import { createHash } from 'node:crypto'
import type { Annotator } from '../annotate/annotator.ts'
import { canonicalJson } from '../canonical-json.ts'
import type { Decider } from '../decide/decider.ts'
import type { Source } from '../sources/source.ts'

/** 16 hex digits of SHA-256 over the value's canonical JSON. */
export function fingerprint(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex').slice(0, 16)
}

/** Of how a source makes documents of records: its name and options, but for those of its origin. */
export function fingerprintSource({ name, options, origin = ['patterns', 'follow', 'pollMs'] }: Source): string {
  const reading = Object.entries(options).filter(([option]) => !origin.includes(option))
  return fingerprint({ name, reading: Object.fromEntries(reading) })
}

/**
 * A fingerprint for each column that an annotator writes: of what it is, what it was told, what it depends on, and the
 * fingerprints of what it reads. So an edit of the text makes every later measurement of it another column.
 */
export function fingerprintColumns(annotator: Annotator, known: ReadonlyMap<string, string>): Map<string, string> {
  const { name, version, options, resources, reads } = annotator
  const inputs = reads.map(column => [column, known.get(column)])
  const hashes = resources.map(resource => resource.sha256)
  return new Map(
    annotator.writes.map(field => [field.name, fingerprint({ name, version, options, hashes, inputs, field })]),
  )
}

/**
 * Of what the deciders' tables hold: for each decider with tables its name, version, shapes, and the columns that it reads. Not of rules
 * and options, which say what is kept from now on and not what a kept document leaves in the tables.
 */
export function fingerprintState(deciders: readonly Decider[], known: ReadonlyMap<string, string>): string {
  const kept = deciders.filter(decider => decider.tables.length > 0)
  return fingerprint(
    kept.map(({ name, version, tables, reads }) => ({
      name,
      version,
      tables,
      columns: reads.map(column => [column, known.get(column)]),
    })),
  )
}
