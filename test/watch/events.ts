import assert from 'node:assert/strict'
import { parseLines } from '../cli/terminal.ts'

/** The fields of each event besides time, level, event and run, as docs/runbook.md has them; those that end in ? may be missing. */
const figures = 'documents kept dropped dead tokens steps readBytes tombstones annotated decided sharded'
export const eventFields: Record<string, string> = {
  listening: 'url',
  starting: 'dir workers pid version',
  'stage-began': 'stage slot hasEnded',
  started: 'slots',
  progress: figures,
  'shard-sealed': 'stage slot path domain rows tokens bytes',
  'steps-published': 'steps new',
  'dead-rows': 'stage slot rows reasons',
  'left-out': 'leftOut',
  'source-waits': 'waiting',
  'worker-lost': 'slot? reason detail',
  'file-changed': 'file was now',
  'guard-hold': 'stage slot groups',
  released: 'stage slot guard group who why',
  draining: '',
  'missing-fields': 'fields',
  unfed: 'tokens missing present',
  'late-files': 'files',
  'stage-ended': 'stage slot isDone code?',
  drained: `${figures} seconds`,
  ended: `${figures} seconds`,
  error: 'code exit retry message',
}

export type Line = Record<string, unknown>

/** Lines of a log as values, each of them as documented. */
export function parseEvents(text: string): Line[] {
  const lines = parseLines(text)
  for (const line of lines) {
    assert.deepEqual(Object.keys(line).slice(0, 4), ['time', 'level', 'event', 'run'])
    assert.match(String(line.time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    assert.ok(['info', 'warn', 'error'].includes(String(line.level)))
    const fields = Object.keys(line).slice(4)
    const known = eventFields[String(line.event)]?.split(' ').filter(Boolean)
    assert.ok(known, `the event ${line.event} is not documented`)
    assert.deepEqual(
      fields.filter(name => !known.includes(name) && !known.includes(`${name}?`)),
      [],
    )
    assert.deepEqual(
      known.filter(name => !name.endsWith('?') && !fields.includes(name)),
      [],
    )
  }
  return lines
}
export const eventsOf = (lines: readonly Line[]) => lines.map(line => String(line.event))
export const find = (lines: readonly Line[], event: string) => lines.find(line => line.event === event)
