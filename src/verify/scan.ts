import type { RunReader } from '../record/run-reader.ts'
import type { Check } from './check.ts'
import { JournalScan } from './journal.ts'
import type { StageScan } from './log.ts'
import { TopicScan } from './topics.ts'

/** What a stage of a run has committed now. A log in the run's folder is read byte by byte, another as whoever reads it gets it. */
export function openScan(
  { dir, run, log, first }: RunReader,
  stage: 'annotate' | 'decide' | 'shard',
  check: Check,
): Promise<StageScan> {
  return run.log === null ? JournalScan.open(dir, stage, check, first > 0) : TopicScan.open(log, stage, run, check)
}
