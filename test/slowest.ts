import { relative } from 'node:path'
import type { TestEvent } from 'node:test/reporters'

const filesShown = 20

/** A reporter that says at the end which files' tests took longest, in seconds. A file's tests run one after the other. */
export default async function* reportSlowest(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const seconds = new Map<string, number>()
  for await (const { type, data } of events) {
    if ((type !== 'test:pass' && type !== 'test:fail') || data.nesting > 0 || !data.file) continue
    seconds.set(data.file, (seconds.get(data.file) ?? 0) + data.details.duration_ms / 1000)
  }
  const slowest = [...seconds].sort(([, a], [, b]) => b - a).slice(0, filesShown)
  for (const [file, sum] of slowest) yield `${sum.toFixed(1).padStart(7)} s  ${relative('.', file)}\n`
}
