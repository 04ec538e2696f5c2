import { basename } from 'node:path'
import type { RunReader } from '../record/run-reader.ts'
import { decidedEnd, hasEnded, readStanding, type Standing } from '../record/standing.ts'
import type { TokenRates } from '../record/token-rates.ts'
import { cleanName } from '../text/printable.ts'
import { Collection, type CollectOptions, readDead } from './collect.ts'
import { describeDocuments } from './documents.ts'
import { funnelOf } from './funnel.ts'
import { packRows, toColumns } from './pack-rows.ts'
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
  const end = decidedEnd(standing)
  const dead = await readDead(run, end, options.seed)
  const collection = new Collection(run, standing, dead, options)
  await collection.readAll(end)
  const mixture = await readMixture(run.dir)
  return { run, standing, isEnded: hasEnded(standing, run.run), collection, mixture, seed: options.seed }
}

/** What the script of the page works with. Names in it are clean, but those that rules name. */
export async function packReport({ run, standing, collection, mixture }: Report): Promise<ReportData> {
  const { parts, reasons, rows, columns, reader, shown } = collection
  const counts = reasons.names.map(name => rows.counts.get(name) ?? 0)
  return {
    ...packLists(run, {
      ...collection,
      reasons: reasons.names,
      domains: collection.domains.names,
      languages: collection.languages.names,
    }),
    rows: packRows(toColumns(rows.all(), columns), columns, counts, reader.named),
    ...(await describeDocuments(run, shown.all(), parts)),
    funnel: funnelOf(standing.decide.totals, parts),
    mixture,
    drift: driftOf(collection),
  }
}

/** What the numbers of rows stand for. */
export interface RowLists extends Pick<ReportData, 'parts' | 'valueColumns' | 'reasons' | 'domains' | 'languages'> {
  readonly rates: TokenRates
}

export function packLists(run: RunReader, { parts, valueColumns, reasons, domains, languages, rates }: RowLists) {
  return {
    run: cleanName(basename(run.dir)),
    reasons,
    domains: domains.map(shownName),
    languages: languages.map(shownName),
    rates: languages.map(name => (Number.isFinite(rates.of(name)) ? rates.of(name) : null)),
    parts,
    valueColumns,
  }
}

/** A domain or language as pages name it. */
export const shownName = (name: string) => cleanName(name) || '(none)'
