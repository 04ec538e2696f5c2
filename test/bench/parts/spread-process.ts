import { readFileSync } from 'node:fs'
import type { Summary } from '../../../src/cli/summary.ts'
import { type Line, Member } from '../../run/spread/member.ts'

/** A process of `headrace run` with a name to tell it by. Whatever ends the bench ends it. */
export class RunProcess extends Member {
  readonly name: string
  /** When it was started, in milliseconds since 1970. */
  readonly startedAt = Date.now()

  constructor(name: string, args: readonly string[]) {
    super(['run', ...args])
    this.name = name
    running.add(this)
    this.finished.then(() => running.delete(this))
  }

  /** Its figures; throws what it told when it did not end by itself. */
  async end(): Promise<Summary> {
    const { status, signal, out, err } = await this.finished
    if (status === 0) return JSON.parse(out.trim().split('\n').at(-1)!)
    const told = this.lines.findLast(line => line.event === 'error')?.message ?? err
    throw new Error(`${this.name} ended with ${status ?? signal}: ${told}`)
  }

  /** The first line of that event from a time on; waits for it. `share` is `stage/partition`. */
  line(event: string, { from = 0, share }: { from?: number; share?: string } = {}): Promise<Line> {
    return this.see(line => line.event === event && line.at >= from && (!share || shareOf(line) === share))
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
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8')
    const read = (name: string) => 1024 * Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0)
    return { now: read('VmRSS'), peak: read('VmHWM') }
  }
}

const shareOf = ({ stage, partition = 0 }: Line) => `${stage}/${partition}`

const running = new Set<RunProcess>()
process.on('exit', () => {
  for (const one of running) one.signal('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))
