import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Finished } from '../fixture.ts'

const bin = join(import.meta.dirname, '..', '..', '..', 'bin', 'headrace.js')

/** A line of a process's log: `at` is its time in milliseconds since 1970. */
export interface Line {
  readonly at: number
  readonly event: string
  readonly stage?: string
  readonly partition?: number
  readonly slot?: number
  /** Of `error`. */
  readonly message?: string
  /** Of `ended`. */
  readonly decided?: number
}

/** A process of the command line. What it logs is kept, and can be waited for. */
export class Member {
  readonly lines: Line[] = []
  readonly finished: Promise<Finished>
  readonly #child: ReturnType<typeof spawn>
  #out = ''
  #err = ''
  #waiting: (() => void)[] = []

  constructor(args: readonly string[]) {
    const child = spawn(process.execPath, [bin, ...args, '--log-format', 'json', '--json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    child.stdout.on('data', data => (this.#out += data))
    createInterface(child.stderr).on('line', text => {
      this.#err += `${text}\n`
      if (text.startsWith('{')) {
        const { time, ...line } = JSON.parse(text)
        this.lines.push({ ...line, at: Date.parse(time) })
      }
      this.#wake()
    })
    this.finished = once(child, 'close').then(([status, signal]) => {
      this.#wake()
      return { status, signal, out: this.#out, err: this.#err }
    })
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** Sends a signal, and returns when that was, in milliseconds since 1970. */
  signal(signal: NodeJS.Signals): number {
    const at = Date.now()
    this.#child.kill(signal)
    return at
  }

  /** Waits for a line; throws when the process ends without it. */
  async see(is: (line: Line) => boolean): Promise<Line> {
    for (;;) {
      const found = this.lines.find(is)
      if (found) return found
      if (this.#child.exitCode !== null || this.#child.signalCode !== null)
        throw new Error(`the process ended without it:\n${this.#err}`)
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
  }

  /** Waits until it has a share. */
  holds(): Promise<Line> {
    return this.see(({ event }) => event === 'share-taken')
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
