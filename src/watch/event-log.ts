import { clearInterval, setInterval } from 'node:timers'
import { codeOf, HeadraceError } from '../errors.ts'
import type { Append } from '../log/log.ts'
import type { Choice } from '../record/choices.ts'
import { countDead } from '../record/dead-records.ts'
import type { Figures } from '../record/figures.ts'
import { type StageName, topics } from '../record/layout.ts'
import { isEnded } from '../record/notes.ts'
import type { Committed, RunEvent } from '../run/events.ts'
import type { ManifestEntry } from '../shards/manifest.ts'
import { escapeControls } from '../text/printable.ts'
import { LabelValues } from './prometheus.ts'

type Level = 'info' | 'warn' | 'error'
type LogFormat = 'text' | 'json'
type Fields = Readonly<Record<string, unknown>>

/** How often dead rows and steps are told, which come too often for a line each; every sixth time it is also told how far the run is. */
const flushMs = 10_000
const flushesPerProgress = 6
/** Most reasons and groups that a line names, and characters of a value. */
const reasonsMax = 50
const groupsMax = 10
const charactersMax = 2000

/** A run's events as lines, one each: `time`, `level`, `event`, `run`, then `stage` and `slot` where it has them, then its own fields. */
export class EventLog {
  /** Name of the run, once it is known. */
  run: string | null = null
  readonly #write: (line: string) => unknown
  readonly #format: LogFormat
  readonly #timer: NodeJS.Timeout
  readonly #slots = new Map<StageName, number>()
  #stages: readonly StageName[] = []
  #figures: (() => Figures) | null = null
  #reasons = new LabelValues(reasonsMax)
  #dead = new Map<string, number>()
  #deadTo = 0
  #steps: number | null = null
  #stepsTold: number | null = null
  #flushes = 0

  constructor(format: LogFormat, write: (line: string) => unknown) {
    this.#format = format
    this.#write = write
    this.#timer = setInterval(() => this.#tick(), flushMs).unref()
  }

  /** `figures` are told now and then. */
  begin(run: string, figures: () => Figures): void {
    this.run = run
    this.#figures = figures
  }

  see(event: RunEvent): void {
    if (event.kind === 'committed') this.#commit(event)
    else if (event.kind === 'opened') this.#stages = event.stages
    else if (event.kind === 'stage-began') this.#begin(event)
    else if (event.kind === 'stage-ended') this.#end(event)
    else if (event.kind === 'steps') this.#count(event.steps)
    else if (event.kind === 'held') this.#hold(event)
    else if (event.kind === 'shares') this.#share(event)
    else if (event.kind === 'passed-over') this.tell('warn', 'passed-over', { file: event.split, what: event.what })
    else if (event.kind === 'left-out') this.#tellLeftOut(event)
    else if (event.kind === 'source-waits') this.tell('warn', 'source-waits', { waiting: event.waiting })
    else if (event.kind === 'split-changed') {
      const { split: file, was, now } = event
      this.tell('warn', 'file-changed', { file, was, now })
    } else if (event.kind === 'worker-lost') {
      const { reason, detail, slot } = event
      this.tell('warn', 'worker-lost', { ...(slot === null ? {} : { slot }), reason, detail })
    }
  }

  tell(level: Level, event: string, fields: Fields = {}): void {
    const line = { time: new Date().toISOString(), level, event, run: this.run, ...fields }
    this.#write(`${this.#format === 'json' ? formatJson(line) : formatText(line)}\n`)
  }

  /** Tells what was put off, and nothing by itself from then on. */
  stop(): void {
    clearInterval(this.#timer)
    this.#flush()
  }

  #begin({ stage, slot, note }: RunEvent & { kind: 'stage-began' }): void {
    this.#slots.set(stage, slot)
    this.tell('info', 'stage-began', { stage, slot, hasEnded: isEnded([{ note }]) })
    if (this.#stages.some(one => !this.#slots.has(one))) return
    const slots = Object.fromEntries(this.#stages.map(one => [one, this.#slots.get(one)]))
    this.tell('info', 'started', { slots })
  }

  #end({ stage, error }: RunEvent & { kind: 'stage-ended' }): void {
    this.#flush()
    const slot = this.#slots.get(stage) ?? 0
    const outcome = error === null ? {} : { code: codeOf(error) }
    this.tell(error === null ? 'info' : 'warn', 'stage-ended', { stage, slot, isDone: error === null, ...outcome })
  }

  #commit({ stage, slot, appends }: Committed): void {
    this.#slots.set(stage, slot)
    for (const [reason, rows] of this.#reasons.group(countDead(appends))) {
      this.#dead.set(reason, (this.#dead.get(reason) ?? 0) + rows)
      this.#deadTo = slot
    }
    for (const append of appends) {
      if (append.topic === topics.manifest) {
        const { path, domain, rows, tokens, bytes } = parse<ManifestEntry>(append)
        this.tell('info', 'shard-sealed', { stage: 'shard', slot, path, domain, rows, tokens, bytes })
      } else if (append.topic === topics.choices) {
        const { slot: released, guard, group, who, why } = parse<Choice>(append)
        this.tell('warn', 'released', { stage: 'decide', slot: released, guard, group, who, why })
      }
    }
  }

  #share({ shares, change }: RunEvent & { kind: 'shares' }): void {
    const level = change?.what === 'fenced' || change?.what === 'lost' ? 'warn' : 'info'
    const event = change ? `share-${change.what}` : 'joined'
    this.tell(level, event, { ...change?.share, shares: shares.length })
  }

  #hold({ slot, trips }: RunEvent & { kind: 'held' }): void {
    const groups = trips.slice(0, groupsMax).map(({ guard, group, rows, removed }) => ({ guard, group, rows, removed }))
    this.tell('error', 'guard-hold', { stage: 'decide', slot, groups })
  }

  #tellLeftOut({ leftOut }: RunEvent & { kind: 'left-out' }): void {
    if (leftOut.length > 0) this.tell('warn', 'left-out', { leftOut })
  }

  /** The first count is what was published before. */
  #count(steps: number): void {
    this.#stepsTold ??= steps
    this.#steps = steps
  }

  #tick(): void {
    this.#flush()
    if (++this.#flushes % flushesPerProgress === 0 && this.#figures)
      this.tell('info', 'progress', fieldsOf(this.#figures()))
  }

  #flush(): void {
    if (this.#dead.size > 0) {
      const rows = [...this.#dead.values()].reduce((a, b) => a + b, 0)
      const fields = { stage: 'annotate', slot: this.#deadTo, rows, reasons: Object.fromEntries(this.#dead) }
      this.tell('warn', 'dead-rows', fields)
      this.#dead.clear()
    }
    if (this.#steps !== null && this.#steps > this.#stepsTold!) {
      this.tell('info', 'steps-published', { steps: this.#steps, new: this.#steps - this.#stepsTold! })
      this.#stepsTold = this.#steps
    }
  }
}

/** The log that `--log-format` asks for, or null. */
export function openEventLog(format: string | undefined, write: (line: string) => unknown): EventLog | null {
  if (format === undefined) return null
  if (format === 'text' || format === 'json') return new EventLog(format, write)
  throw new HeadraceError('bad-option', `--log-format is '${format}'; it takes text or json. See: headrace run --help`)
}

/** A run's figures as lines have them. */
export function fieldsOf({
  decide,
  shard,
  steps,
  readBytes,
  tombstones,
  annotated,
  decided,
  sharded,
}: Figures): Fields {
  const { documents, kept, dead } = decide
  const dropped = Object.values(decide.dropped).reduce((a, b) => a + b, 0)
  return {
    documents,
    kept,
    dropped,
    dead,
    tokens: shard.tokens,
    steps,
    readBytes,
    tombstones,
    annotated,
    decided,
    sharded,
  }
}

function parse<T>({ value }: Append): T {
  return JSON.parse(Buffer.from(value).toString()) as T
}

function formatJson(line: Fields): string {
  return escapeControls(JSON.stringify(line, (_, value) => (typeof value === 'string' ? clip(value) : value)))
}

/** `2026-01-31T12:00:00.000Z INFO shard-sealed run=web stage=shard slot=512 path=en/00000000.arrow` */
function formatText({ time, level, event, ...fields }: Fields): string {
  const pairs = Object.entries(fields).map(([name, value]) => `${name}=${formatValue(value)}`)
  return escapeControls([time, String(level).toUpperCase(), event, ...pairs].join(' '))
}

function formatValue(value: unknown): string {
  const text = typeof value === 'string' ? clip(value) : JSON.stringify(value)
  return typeof value === 'string' && !/^[^\s"=]+$/.test(text) ? JSON.stringify(text) : text
}

const clip = (text: string) => text.slice(0, charactersMax).toWellFormed()
