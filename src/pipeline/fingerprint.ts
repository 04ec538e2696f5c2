import { hash } from 'node:crypto'
import type { Annotator } from '../annotate/annotator.ts'
import type { Field } from '../batch/batch.ts'
import { documentFields } from '../batch/contract.ts'
import { canonicalJson } from '../canonical-json.ts'
import type { Decider } from '../decide/decider.ts'
import type { Source } from '../sources/source.ts'

/** 16 hex digits of SHA-256 over the value's canonical JSON. */
export function fingerprint(value: unknown): string {
  return hash('sha256', canonicalJson(value)).slice(0, 16)
}

/** A fingerprint of how a source makes documents of records: of its name, version and options, but for those of its origin. */
export function fingerprintSource(source: Source): string {
  const { name, version = 1, options, origin = ['patterns', 'follow', 'pollMs'] } = source
  const reading = Object.entries(options).filter(([option]) => !origin.includes(option))
  return fingerprint({ name, ...(version > 1 && { version }), reading: Object.fromEntries(reading) })
}

/** The fingerprints of the columns of documents as a source gives them, which all are its own. */
export function originPrints(origin: string): Map<string, string> {
  return new Map(documentFields.map(field => [field.name, origin]))
}

/**
 * A fingerprint for each column that an annotator writes: of what it is, what it was told to measure with, what it depends on, and the
 * fingerprints of what it reads. So an edit of the text makes every later measurement of it another column, and a threshold none.
 */
export function fingerprintColumns(annotator: Annotator, known: ReadonlyMap<string, string>): Map<string, string> {
  const { name, version, measuredWith: options = annotator.options, resources, reads } = annotator
  const inputs = reads.map(column => [column, known.get(column)])
  const hashes = resources.map(resource => resource.sha256)
  const print = (field: Field) => fingerprint({ name, version, options, hashes, inputs, field })
  return new Map(annotator.writes.map(field => [field.name, print(field)]))
}

/**
 * A fingerprint of what the deciders' tables hold: of each decider with tables, its name, version, shapes, and the columns that it reads.
 * Rules and options are left out: they say what is kept from now on, not what a kept document leaves in the tables.
 */
export function fingerprintState(deciders: readonly Decider[], known: ReadonlyMap<string, string>): string {
  const kept = deciders.filter(decider => decider.tables.length > 0)
  const describe = ({ name, version, tables, reads }: Decider) => {
    const columns = reads.map(column => [column, known.get(column)])
    return { name, version, tables, columns }
  }
  return fingerprint(kept.map(describe))
}
