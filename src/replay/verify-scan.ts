import type { RunReader } from './run-reader.ts'
import type { Check } from './verify-check.ts'
import { JournalScan } from './verify-journal.ts'
import type { StageScan } from './verify-log.ts'
import { TopicScan } from './verify-topics.ts'

/** What a stage of a run has committed now. A log in the run's folder is read byte by byte, another as whoever reads it gets it. */
export function openScan(
  { dir, run, log, first }: RunReader,
  stage: 'annotate' | 'decide' | 'shard',
  check: Check,
): Promise<StageScan> {
  return run.log === null ? JournalScan.open(dir, stage, check, first > 0) : TopicScan.open(log, stage, run, check)
}
