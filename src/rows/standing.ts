import { join } from 'node:path'
import { type OnEffect, syncFolder } from '../disk/durable-file.ts'
import { listNames, removeFile } from '../disk/files.ts'
import type { Head } from '../feed/files/head.ts'
import { LedgerReader } from '../feed/files/ledger.ts'
import { descriptionName, listRowFiles, type RowFile, readRowFile } from './row-file.ts'

/** The files of rows that stand in a folder, in the order of their steps. */
export class StandingRows {
  readonly #dir: string
  readonly #onEffect: OnEffect
  #files: RowFile[] = []

  private constructor(dir: string, onEffect: OnEffect) {
    this.#dir = dir
    this.#onEffect = onEffect
  }

  /** Looks at a folder, and takes away what a stopped writer left that no description names. */
  static async open(dir: string, onEffect: OnEffect): Promise<StandingRows> {
    const standing = new StandingRows(dir, onEffect)
    for (const name of await listRowFiles(dir)) standing.#files.push((await readRowFile(dir, name))!)
    const named = new Set(standing.#files.flatMap(({ ids, spans }) => [ids, spans]))
    for (const name of await listNames(dir))
      if (/^\d{8,16}(?:\.\d{1,9})?\.(?:(?:i32|spans)(?:\.tmp)?|json\.tmp)$/.test(name) && !named.has(name))
        await standing.#remove(name)
    return standing
  }

  get files(): readonly RowFile[] {
    return this.#files
  }

  /** The file that has a step. */
  at(step: number): RowFile | null {
    return this.#files.find(({ first, steps }) => first <= step && step < first + steps) ?? null
  }

  /** The first step behind this one that stands in a file. */
  after(step: number): number {
    return this.#files.find(({ first }) => first > step)?.first ?? Number.POSITIVE_INFINITY
  }

  add(file: RowFile): void {
    this.#files = [...this.#files.filter(({ first }) => first !== file.first), file].sort((a, b) => a.first - b.first)
  }

  /** Takes away files: their descriptions go first, so that nobody is led to data that is gone. */
  async removeFiles(files: readonly RowFile[]): Promise<void> {
    for (const { first } of files) await this.#remove(descriptionName(first))
    if (files.length > 0) await syncFolder(this.#dir)
    for (const file of files) await this.removeData(file)
    this.#files = this.#files.filter(file => !files.includes(file))
  }

  async removeData({ ids, spans }: RowFile): Promise<void> {
    for (const name of [ids, spans]) await this.#remove(name)
  }

  /** Files of steps that the feed has otherwise, or not: of another feed, or of a history that a restored copy does not have. */
  async findStrangers(feed: string, head: Head): Promise<RowFile[]> {
    const ledger = new LedgerReader(feed, head)
    const strangers: RowFile[] = []
    for (const file of this.#files) {
      const last = file.first + file.steps - 1
      const isKnown = file.feed === head.feed && last < head.steps
      // A digest names the one before it, so that the last one speaks for all.
      const isSame = isKnown && (await ledger.read(last)).endsWith(`,"digest":"${file.digests.at(-1)}"}`)
      if (!isSame) strangers.push(file)
    }
    return strangers
  }

  async #remove(name: string): Promise<void> {
    this.#onEffect(`remove ${name}`)
    await removeFile(join(this.#dir, name))
  }
}
