import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { python, sources } from '../../python/python.ts'

/** Steps between two checkpoints: a kill costs half of them on average. */
const everySteps = 5

export interface TrainerPlace {
  readonly url: string
  /** Of the node: all ranks share it. */
  readonly cache: string
  /** Where ranks write what they took, and checkpoints. */
  readonly folder: string
  /** A mistake that each rank makes, to see that it is found. */
  readonly mutant: string
}

/** What one life of one rank took, line by line. */
export interface Taken {
  readonly step: number
  readonly rank: number
  readonly world: number
  readonly digest: string
  readonly tokens: string
}

/** A life of a trainer: `world` ranks, begun together at the newest checkpoint that all ranks of an earlier life have written. */
export class Trainer {
  readonly world: number
  readonly #life: string
  readonly #folder: string
  readonly #ranks: readonly ChildProcess[]
  readonly #errors: string[] = []

  constructor(place: TrainerPlace, life: number, world: number) {
    this.world = world
    this.#folder = place.folder
    this.#life = String(life).padStart(4, '0')
    const state = findCheckpoint(place.folder)
    const script = join(import.meta.dirname, 'trainer.py')
    this.#ranks = Array.from({ length: world }, (_, rank) => {
      const given = [
        script,
        place.url,
        place.cache,
        place.folder,
        this.#life,
        rank,
        world,
        everySteps,
        place.mutant,
        ...state,
      ]
      // A group of its own, to see that a rank left no process behind.
      const child = spawn(python, given.map(String), {
        stdio: ['ignore', 'ignore', 'pipe'],
        detached: true,
        env: { ...process.env, PYTHONPATH: sources, OMP_NUM_THREADS: '1' },
      })
      child.stderr!.on('data', data => this.#errors.push(String(data).slice(0, 4000)))
      return child
    })
  }

  /** The steps that its slowest rank has taken so far, or 0. */
  countSteps(): number {
    return Math.min(...this.#ranks.map((_, rank) => readTaken(this.#folder, `${this.#life}-${rank}.jsonl`).length))
  }

  /** Kills one rank, and then all others, as a launcher does; or all at once. */
  async kill(first: number | 'all'): Promise<void> {
    if (first !== 'all') {
      this.#ranks[first].kill('SIGKILL')
      await endOf(this.#ranks[first])
    }
    for (const rank of this.#ranks) rank.kill('SIGKILL')
    await Promise.all(this.#ranks.map(endOf))
  }

  /** Why it is not at work: a rank that ended by itself before the feed did. */
  findFailure(): string | null {
    const failed = this.#ranks.findIndex(({ exitCode }) => exitCode !== null && exitCode !== 0)
    return failed < 0 ? null : `rank ${failed} of ${this.world} ended: ${this.#errors.join('').trim()}`
  }

  /** Waits for all ranks. Throws unless each came to the end of the feed. */
  async end(): Promise<void> {
    await Promise.all(this.#ranks.map(endOf))
    const failure = this.findFailure()
    if (failure) throw new Error(failure)
  }

  /** Processes that its ranks left behind. */
  countLeft(): number {
    return this.#ranks.filter(({ pid }) => isAlive(-pid!)).length
  }
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** The path of the state to go on from, or nothing at the beginning. */
function findCheckpoint(folder: string): string[] {
  const lives = new Map<string, { step: number; ranks: number; path: string }>()
  for (const name of readdirSync(folder)) {
    const found = /^state-(\d+)-\d+-(\d+)\.json$/.exec(name)
    if (!found) continue
    const key = `${found[1]}-${found[2]}`
    const before = lives.get(key)?.ranks ?? 0
    lives.set(key, { step: Number(found[1]), ranks: before + 1, path: join(folder, name) })
  }
  const whole = [...lives].filter(([key, { ranks }]) => ranks === worldOf(folder, key.split('-')[1]))
  whole.sort(([, a], [, b]) => b.step - a.step)
  return whole.slice(0, 1).map(([, { path }]) => path)
}

function worldOf(folder: string, life: string): number | undefined {
  return readTaken(folder, `${life}-0.jsonl`)[0]?.world
}

/** All that one life of a rank has written whole. */
function readTaken(folder: string, name: string): Taken[] {
  try {
    const text = readFileSync(join(folder, name), 'utf8')
    const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n')
    return lines.filter(Boolean).map(line => JSON.parse(line) as Taken)
  } catch {
    return []
  }
}

/** What each life of each rank took, lives in their order. */
export function readLives(folder: string): Taken[][] {
  const names = readdirSync(folder).filter(name => /^\d+-\d+\.jsonl$/.test(name))
  return names.sort().map(name => readTaken(folder, name))
}
