import { mkdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { writeDurably } from '../disk/durable-file.ts'
import { HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'
import type { Against } from '../page/against.ts'
import type { RunReader } from '../record/run-reader.ts'
import type { ParsedArgs, Terminal } from './command.ts'
import { openNamedRun } from './find-run.ts'
import { readKey } from './join-key.ts'
import { formatBytes, formatPlural } from './table.ts'

/** What `headrace report` is asked to write. */
export interface ReportOrder {
  readonly html: string | null
  readonly svg: string | null
  readonly against: Against | null
  readonly documentsMax: number
  readonly seed: number
}

/** The options of a page that are left as they are. */
export const pageAlone = (html: string): ReportOrder => ({ html, svg: null, against: null, documentsMax, seed: 0 })
const documentsMax = 200

/** Reads the options of what is written; null where none is. Throws 'bad-option' for those that go with a page alone. */
export function readReportOrder(args: ParsedArgs): ReportOrder | null {
  const [html, svg] = (['html', 'svg'] as const).map(name => args.text(name) ?? null)
  if (html === '') throw refuse('--html is empty: it takes a file')
  if (svg === '') throw refuse('--svg is empty: it takes a folder')
  const alone = ['against', 'documents', 'seed'].find(name => args.text(name) !== undefined)
  if (html === null && alone) throw refuse(`--${alone} goes with --html`)
  const name = args.text('against')
  if (name === undefined && args.text('key') !== undefined) throw refuse('--key goes with --against')
  if (html === null && svg === null) return null
  return {
    html,
    svg,
    against: name === undefined ? null : { name, label: readKey(args) },
    documentsMax: args.count('documents', documentsMax, 0, limits.reportDocumentsMax),
    seed: args.count('seed', 0, 0, 2 ** 32 - 1),
  }
}

const refuse = (what: string) => new HeadraceError('bad-option', `${what}. See: headrace report --help`)

/** Writes a page, or pictures, or both; returns a line of what is written for each. */
export async function writeReportFiles(run: RunReader, dir: string, order: ReportOrder): Promise<string[]> {
  const { html, svg, against, documentsMax } = order
  const [{ readReport }, other] = await Promise.all([import('../page/report.ts'), openOther(dir, against)])
  await using _ = other ?? noRun
  const report = await readReport(run, order)
  const written: string[] = []
  if (html !== null) {
    const [{ writeReport }, compared] = await Promise.all([
      import('../page/report-page.ts'),
      other && compare(other, run, against!),
    ])
    const page = Buffer.from(await writeReport(report, compared))
    await write(html, page)
    const shown = Math.min(documentsMax, report.collection.shown.all().length)
    written.push(`wrote ${html}: ${formatBytes(page.length)}, ${formatPlural(shown, 'document')} to read`)
  }
  if (svg !== null) {
    const [{ drawPictures }, { measureBandRecall }] = await Promise.all([
      import('../page/pictures.ts'),
      import('../page/band-recall.ts'),
    ])
    const { pictures, missing } = drawPictures(report, await measureBandRecall(report))
    for (const [name, picture] of pictures) await write(join(svg, name), Buffer.from(picture))
    written.push(`wrote ${[...pictures.keys()].join(', ')} to ${svg}`, ...missing.map(what => `left out: ${what}`))
  }
  return written
}

const noRun = { [Symbol.asyncDispose]: async () => {} }
const openOther = (dir: string, against: Against | null) => against && openNamedRun(dir, against.name)

async function compare(other: RunReader, run: RunReader, against: Against) {
  const { drawComparison } = await import('../page/against.ts')
  return drawComparison(other, run, against)
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(resolve(path)), { recursive: true })
  await writeDurably(path, [bytes])
}

/** Writes them and tells so. */
export async function tellReportFiles(
  run: RunReader,
  dir: string,
  order: ReportOrder,
  { out }: Terminal,
): Promise<void> {
  for (const line of await writeReportFiles(run, dir, order)) out.write(`${line}\n`)
}
