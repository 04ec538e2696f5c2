import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeStoredRuns, type StoredRuns } from './run-rows.ts'
import { parseLines, runMain } from './terminal.ts'

/** A row that a round has chosen. */
export interface Chosen extends Record<string, unknown> {
  readonly slot: number
  readonly row: number
  readonly id: string
  readonly text: number
}

/** `headrace enrich rounds` over the stored runs, and a person who knows which of their documents are mathematics. */
export class RoundsLoop {
  readonly stored: StoredRuns

  private constructor(stored: StoredRuns) {
    this.stored = stored
  }

  static async make(name: string): Promise<RoundsLoop> {
    return new RoundsLoop(await makeStoredRuns(name, { count: 640 }))
  }

  at(name: string): string {
    return join(this.stored.dir, name)
  }

  isMath(id: unknown): boolean {
    return this.stored.documents[Number(String(id).replace(/^\D+/, ''))].isMath
  }

  /** What it is begun with: half of the mathematics, and everything else. */
  fixed(): string[] {
    const dir = ['--dir', this.stored.runs]
    return ['--positive', 'run:all?domain=math', '--background', 'run:all?domain=web&any', ...dir]
  }

  args(folder: string, ...more: string[]): string[] {
    const small = ['--add', '30', '--sample', '10']
    return ['enrich', 'rounds', 'all', ...this.fixed(), '--out', this.at(folder), ...small, ...more]
  }

  once(folder: string, ...more: string[]) {
    return runMain(this.args(folder, ...more))
  }

  /** Fills in what is asked for, and returns how much. */
  fillIn(folder: string, round: number): number {
    const file = join(this.at(folder), `sample-${round}.jsonl`)
    const lines = parseLines(readFileSync(file, 'utf8'))
    writeLines(
      file,
      lines.map(line => ({ ...line, label: this.isMath(line.id) ? 'yes' : 'no' })),
    )
    return lines.length
  }

  /** The loop with a person, to its end. */
  async toEnd(folder: string, ...more: string[]) {
    for (let round = 1; ; round++) {
      const done = await this.once(folder, ...more)
      if (done.status !== 4) return done
      assert.equal(done.err, '')
      this.fillIn(folder, round)
    }
  }

  chosen(folder: string, round: number): Chosen[] {
    return JSON.parse(readFileSync(join(this.at(folder), `round-${round}.json`), 'utf8')).chosen
  }

  record(folder: string) {
    return JSON.parse(readFileSync(join(this.at(folder), 'rounds.json'), 'utf8'))
  }
}

export function writeLines(file: string, lines: readonly object[]): void {
  writeFileSync(file, lines.map(line => `${JSON.stringify(line)}\n`).join(''))
}
