import { basename } from 'node:path'
import type { RunReader } from '../record/run-reader.ts'
import { hasEnded, readStanding, type Standing } from '../record/standing.ts'
import { cleanName } from '../text/printable.ts'
import { Collection, type CollectOptions, readDead } from './collect.ts'
import { describeDocuments } from './documents.ts'
import { funnelOf } from './funnel.ts'
import { packRows } from './pack-rows.ts'
import type { Mixture, ReportData } from './report-data.ts'
import { driftOf, readMixture } from './trends.ts'

/** What a run has done, as pages and pictures show it. */
export interface Report {
  readonly run: RunReader
  readonly standing: Standing
  readonly isEnded: boolean
  readonly collection: Collection
  readonly mixture: Mixture | null
  /** What rows and documents are chosen by. */
  readonly seed: number
}

/** Reads a run, as far as it is decided. */
export async function readReport(run: RunReader, options: CollectOptions): Promise<Report> {
  const standing = await readStanding(run.log, run.run)
  // The end of the input is a slot, and has no documents.
  const end = standing.decide.slot - (standing.decide.ended ? 1 : 0)
  const dead = await readDead(run, end, options.seed)
  const collection = new Collection(run, standing, dead, options)
  await collection.readAll(end)
  const mixture = await readMixture(run.dir)
  return { run, standing, isEnded: hasEnded(standing, run.run), collection, mixture, seed: options.seed }
}

/** What the script of the page works with. Names in it are clean, but those that rules name. */
export async function packReport({ run, standing, collection, mixture }: Report): Promise<ReportData> {
  const { parts, reasons, domains, languages, rates, rows, columns, valueColumns } = collection
  const named = (parts ?? []).flatMap(({ steps, rules }) =>
    [...steps.flatMap(step => ('gate' in step ? step.gate : [])), ...rules].flatMap(({ oneOf = [], noneOf = [] }) => [
      ...oneOf,
      ...noneOf,
    ]),
  )
  const all = rows.all()
  const counts = reasons.names.map(name => rows.counts.get(name) ?? 0)
  const { documents, measures } = await describeDocuments(run, collection)
  return {
    run: cleanName(basename(run.dir)),
    reasons: reasons.names,
    domains: domains.names.map(name => cleanName(name) || '(none)'),
    languages: languages.names.map(name => cleanName(name) || '(none)'),
    rates: languages.names.map(name => (Number.isFinite(rates.of(name)) ? rates.of(name) : null)),
    parts,
    rows: packRows(all, columns, counts, new Set(named)),
    valueColumns,
    documents,
    measures,
    funnel: funnelOf(standing.decide.totals, parts),
    mixture,
    drift: driftOf(collection),
  }
}
