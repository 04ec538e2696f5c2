import { readFileSync, writeFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { numbers, stringAt, utf8 } from '../../../src/batch/batch.ts'
import { readFates } from '../../../src/inspect/fates.ts'
import type { LocatedFate } from '../../../src/record/fate.ts'
import { RunReader } from '../../../src/record/run-reader.ts'
import { setLimits } from '../../simulate/small-limits.ts'
import { makeFolder } from '../../temporary.ts'
import { runIt, writeDocuments, writePipeline } from '../made.ts'

// Runs of hostile documents in many small slots, and what their logs say, read by other means than what is tested.

setLimits({ slotBytes: 4 * 1024 })

const behindRules = {
  plain: '',
  whole: ', h.exactDuplicates(), h.nearDuplicates()',
  bare: ").store({ text: 'none' }",
}

/** Makes runs of as many documents: `whole` with deciders of duplicates, `bare` without its texts. Returns the folder of runs. */
export async function makeRuns(names: readonly (keyof typeof behindRules)[], documents = 300): Promise<string> {
  const dir = makeFolder('live')
  const [input, runs] = [writeDocuments(dir, documents), join(dir, 'runs')]
  for (const name of names) await runIt(writePipeline(dir, name, input, behindRules[name]), runs)
  return runs
}

/** A copy of a run as an older version would have begun it, without a word of what decides it. */
export async function copyAsOlder(dir: string): Promise<string> {
  const older = `${dir}-older`
  await cp(dir, older, { recursive: true })
  const file = join(older, 'run.json')
  const run = JSON.parse(readFileSync(file, 'utf8'))
  for (const segment of run.segments) {
    delete segment.reasons
    delete segment.columns
  }
  writeFileSync(file, JSON.stringify(run))
  return older
}

export interface LoggedRecord extends LocatedFate {
  /** Empty for a dead record. */
  readonly text: string
}

/** All records of a run, in the order of slots and rows. */
export async function readLog(dir: string): Promise<LoggedRecord[]> {
  await using run = await RunReader.open(dir)
  const texts = new Map<string, string>()
  for await (const { slot, scored } of run.slots())
    for (const [i, row] of numbers(scored, 'row').entries())
      texts.set(`${slot}/${row}`, scored.columns.text ? stringAt(utf8(scored, 'text'), i) : '')
  const fates = await Array.fromAsync(readFates(run))
  return fates.map(fate => ({ ...fate, text: texts.get(`${fate.slot}/${fate.row}`) ?? '' }))
}

export const addressOf = ({ slot, row }: { readonly slot: number; readonly row: number }) => `${slot}/${row}`
