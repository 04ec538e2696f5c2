import { groupKey, type PercentileTable } from '../annotate/ranks/percentile-file.ts'
import { type Percentiles, percentilesOf } from '../annotate/ranks/percentiles.ts'
import { type Batch, utf8 } from '../batch/batch.ts'
import { Names, Strings } from '../batch/strings.ts'
import { HeadraceError } from '../errors.ts'
import { limits } from '../limits.ts'
import type { RunReader } from '../record/run-reader.ts'
import { hashUnit } from '../text/hash.ts'
import { findDecided, measuredValues, readStoredColumns } from './stored-columns.ts'
import { ValueSample } from './value-sample.ts'

export interface CalibrationOrder {
  readonly column: string
  readonly by: readonly string[]
  /** Documents below which a group is ranked within the one that is larger by a name. */
  readonly documentsMin: number
}

/** A group with its spread. Those of too few documents have no percentiles. */
export interface CalibratedGroup {
  readonly of: readonly string[]
  readonly documents: number
  readonly mean: number
  readonly deviation: number
  readonly percentiles: Percentiles | null
}

export interface Calibration {
  readonly table: PercentileTable
  /** Of all documents, then by the first column, and so on; each kind with the largest first. */
  readonly groups: readonly CalibratedGroup[]
  /** Documents without a value: a gate stopped them before, it was not for them, or it is not finite. */
  readonly unmeasured: number
}

/**
 * Where the values of a run's column lie, by group, dropped documents among them: a table for `rank()`. The same run gives the same table,
 * whatever its slots' order. Throws `bad-option` for a column that the run does not have or that holds no numbers, and where there is no value.
 */
export async function calibrate(run: RunReader, order: CalibrationOrder): Promise<Calibration> {
  const { column, by, documentsMin } = order
  const samples = new Map<string, ValueSample>()
  let unmeasured = 0
  const decided = await findDecided(run)
  for await (const { batch } of readStoredColumns(run, { numbers: [column], names: by }, decided))
    unmeasured += addBatch(batch, order, samples)
  const all = samples.get(groupKey([]))
  if (!all)
    throw new HeadraceError(
      'bad-option',
      `the ${unmeasured} documents of ${run.dir} have no value in column '${column}': nothing was written`,
    )
  const groups = [...samples].map(([key, sample]) => groupOf(key, sample, documentsMin))
  groups.sort(
    (a, b) => a.of.length - b.of.length || b.documents - a.documents || (groupKey(a.of) < groupKey(b.of) ? -1 : 1),
  )
  const ranked = groups.flatMap(({ of, percentiles }) => (percentiles ? [[groupKey(of), percentiles] as const] : []))
  return { table: { column, by, groups: new Map(ranked) }, groups, unmeasured }
}

function groupOf(key: string, sample: ValueSample, documentsMin: number): CalibratedGroup {
  const { documents } = sample
  const of: readonly string[] = JSON.parse(key)
  // All documents are ranked somewhere, however few they are.
  const isRanked = of.length === 0 || documents >= documentsMin
  return { of, documents, ...sample.spread(), percentiles: isRanked ? percentilesOf(sample.values(), documents) : null }
}

/** Adds a slot's documents to all groups that they are of. Returns how many have no value. */
function addBatch(batch: Batch, { column, by }: CalibrationOrder, samples: Map<string, ValueSample>): number {
  const values = measuredValues(batch, column)
  const ids = utf8(batch, 'id')
  const names = by.map(name => new Strings(utf8(batch, name), new Names()))
  let unmeasured = 0
  for (let row = 0; row < batch.rows; row++) {
    if (Number.isNaN(values[row])) {
      unmeasured++
      continue
    }
    const key = hashUnit(0, ids.bytes.subarray(ids.offsets[row], ids.offsets[row + 1]))
    const own = names.map(column => column.at(row))
    for (let count = 0; count <= own.length; count++) sampleOf(samples, own.slice(0, count)).add(key, values[row])
  }
  return unmeasured
}

function sampleOf(samples: Map<string, ValueSample>, names: readonly string[]): ValueSample {
  const key = groupKey(names)
  const known = samples.get(key)
  if (known) return known
  if (samples.size >= limits.calibrationGroupsMax)
    throw new HeadraceError(
      'limit',
      `there are more than ${limits.calibrationGroupsMax} groups: group by columns with fewer names`,
    )
  const sample = new ValueSample()
  samples.set(key, sample)
  return sample
}
