import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Finished } from '../fixture.ts'

const bin = join(import.meta.dirname, '..', '..', '..', 'bin', 'headrace.js')

/** A line of a process's log. */
export type Line = Readonly<Record<string, unknown>>

/** A process of a spread run. What it logs is kept, and can be waited for. */
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
    createInterface(child.stderr).on('line', line => {
      this.#err += `${line}\n`
      if (line.startsWith('{')) this.lines.push(JSON.parse(line))
      this.#wake()
    })
    this.finished = once(child, 'close').then(([status, signal]) => {
      this.#wake()
      return { status, signal, out: this.#out, err: this.#err }
    })
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
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
