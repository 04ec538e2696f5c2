import type { Inode } from './disk.ts'
import type { World } from './world.ts'

interface PublishedHead {
  readonly steps: number
  readonly digest: string
  readonly ended: boolean
  readonly segmentSteps: number
}

/**
 * Looks at the feed after every operation: what is published never changes and never goes back, but for a head that a power loss takes
 * back to one that was published before.
 */
export class Watchman {
  readonly problems: string[] = []
  readonly #world: World
  readonly #lines: string[] = []
  #head: PublishedHead | null = null
  #inode: Inode | undefined
  #powerLosses = 0

  constructor(world: World) {
    this.#world = world
  }

  /** Heads may go back once. */
  notePowerLoss(): void {
    this.#powerLosses++
    this.#inode = undefined
  }

  look(): void {
    const { disk } = this.#world
    const inode = disk.find(`${this.#world.folder}/feed/head.json`)
    if (inode === this.#inode) return
    this.#inode = inode
    if (!inode) {
      if (this.#head && this.#powerLosses === 0) this.problems.push('the head of the feed is gone')
      return
    }
    const head = JSON.parse(inode.content.toString()) as PublishedHead
    const before = this.#head
    if (before && this.#powerLosses === 0 && (head.steps < before.steps || (before.ended && !head.ended)))
      this.problems.push(`the head went back from step ${before.steps} to ${head.steps}`)
    this.#powerLosses = 0
    this.#head = head
    for (let step = 0; step < head.steps; step++) this.#lookAtStep(step, head)
  }

  #lookAtStep(step: number, { segmentSteps, steps, digest }: PublishedHead): void {
    const first = step - (step % segmentSteps)
    const path = `${this.#world.folder}/feed/steps/${String(first).padStart(8, '0')}.jsonl`
    const line = this.#world.disk.find(path)?.content.toString().split('\n')[step - first]
    if (line === undefined || line === '') this.problems.push(`step ${step} is published and not in the ledger`)
    else if (this.#lines[step] !== undefined && this.#lines[step] !== line)
      this.problems.push(`step ${step} was published as ${this.#lines[step]} and is now ${line}`)
    else this.#lines[step] = line
    if (step === steps - 1 && line && !line.endsWith(`"digest":"${digest}"}`))
      this.problems.push(`the head's digest is not that of step ${step}`)
  }
}
