import { dirname, join } from 'node:path'
import { makeFolder, type OnEffect, syncFolder } from '../../disk/durable-file.ts'
import { type BlockSpec, type CutSamples, type SampleOptions, writeBlock } from '../plan/blocks.ts'
import { hashBlock, listBlock } from './bind.ts'
import { isBlock, readCut } from './read-cut.ts'

/** Cuts the blocks of a feed that is published, each once, whatever the crashes between. */
export class BlockCutter {
  readonly #dir: string
  readonly #shards: string
  readonly #onEffect: OnEffect | undefined
  /** Folders of blocks that were found: who wrote them may have been stopped before their names lasted. */
  readonly #found = new Set<string>()

  constructor(dir: string, shards: string, onEffect?: OnEffect) {
    this.#dir = dir
    this.#shards = shards
    this.#onEffect = onEffect
  }

  /** `isPublished`: the next step is, and is planned once more. */
  async cut(spec: BlockSpec, options: SampleOptions, isPublished: boolean): Promise<CutSamples> {
    const published = readCut(this.#dir, spec, options)
    if (published) {
      this.#found.add(dirname(published.path))
      return published
    }
    const samples = listBlock(spec, options, path => join(this.#shards, path))
    const { tokens } = samples
    // A step that is planned once more may cut a block ahead that a promotion has put another in place of: readers have that.
    if (isPublished && isBlock(this.#dir, spec)) return { tokens, sha256: hashBlock(spec, options, samples) }
    const sha256 = await writeBlock(this.#dir, spec, options, samples, this.#onEffect)
    return { tokens, sha256: options.ledger ? sha256 : null }
  }

  async makeFoundLast(): Promise<void> {
    for (const folder of this.#found) {
      await makeFolder(folder)
      await syncFolder(folder)
    }
    this.#found.clear()
  }
}
