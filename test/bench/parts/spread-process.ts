import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Summary } from '../../../src/cli/summary.ts'

const bin = join(import.meta.dirname, '..', '..', '..', 'bin', 'headrace.js')

/** A line of `--log-format json`: `at` is its time in milliseconds since 1970. */
export interface Line {
  readonly at: number
  readonly event: string
  readonly stage?: string
  readonly partition?: number
  readonly slot?: number
  readonly message?: string
  /** Of `ended`. */
  readonly decided?: number
}

/** A process of `headrace run` that tells what it does, with the lines that it has told until now. */
export class RunProcess {
  readonly name: string
  /** When it was started, in milliseconds since 1970. */
  readonly startedAt = Date.now()
  readonly lines: Line[] = []
  readonly #child: ChildProcess
  readonly #closed: Promise<unknown>
  #out = ''
  #unknown = ''

  constructor(name: string, args: readonly string[]) {
    this.name = name
    const command = [bin, 'run', ...args, '--log-format', 'json', '--json']
    this.#child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#closed = once(this.#child, 'close')
    this.#child.stdout!.on('data', data => (this.#out += data))
    createInterface({ input: this.#child.stderr! }).on('line', line => this.#read(line))
    running.add(this.#child)
    this.#closed.then(() => running.delete(this.#child))
  }

  /** Sends a signal, and returns when that was. */
  signal(signal: NodeJS.Signals): number {
    const at = Date.now()
    this.#child.kill(signal)
    return at
  }

  /** Its figures; throws what it told when it did not end by itself. */
  async end(): Promise<Summary> {
    await this.#closed
    if (this.#child.exitCode === 0) return JSON.parse(this.#out.trim().split('\n').at(-1)!)
    throw new Error(`${this.name} ended with ${this.#child.exitCode ?? this.#child.signalCode}: ${this.#failure()}`)
  }

  /** Returns once it is gone, however it ended. */
  async gone(): Promise<void> {
    await this.#closed
  }

  /** The first line of that event from a time on; waits for it. `share` is `stage/partition`. */
  async line(event: string, { from = 0, share }: { from?: number; share?: string } = {}): Promise<Line> {
    for (;;) {
      const found = this.lines.find(l => l.event === event && l.at >= from && (!share || shareOf(l) === share))
      if (found) return found
      if (this.#child.exitCode !== null || this.#child.signalCode !== null)
        throw new Error(`${this.name} ended before it told ${event}: ${this.#failure()}`)
      await sleep(5)
    }
  }

  /** The shares that it holds, as `stage/partition`. */
  shares(): string[] {
    const held = new Set<string>()
    for (const line of this.lines) {
      if (line.event === 'share-taken') held.add(shareOf(line))
      if (line.event === 'share-given' || line.event === 'share-lost') held.delete(shareOf(line))
    }
    return [...held]
  }

  /** Resident memory now and at most, in bytes. */
  memory(): { readonly now: number; readonly peak: number } {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8')
    const read = (name: string) => 1024 * Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0)
    return { now: read('VmRSS'), peak: read('VmHWM') }
  }

  #read(text: string): void {
    try {
      const { time, ...line } = JSON.parse(text)
      this.lines.push({ ...line, at: Date.parse(time) })
    } catch {
      this.#unknown += `${text}\n`
    }
  }

  #failure(): string {
    return this.lines.findLast(line => line.event === 'error')?.message ?? (this.#unknown || this.#out)
  }
}

const shareOf = ({ stage, partition = 0 }: Line) => `${stage}/${partition}`

const running = new Set<ChildProcess>()
// Whatever ends the bench ends what it started.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))
