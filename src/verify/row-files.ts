import { hash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { readBytes } from '../disk/transfer.ts'
import { HeadraceError } from '../errors.ts'
import { countTakeDowns } from '../feed/files/control-file.ts'
import type { Head } from '../feed/files/head.ts'
import { LedgerReader } from '../feed/files/ledger.ts'
import { type FeedBatch, readFeed } from '../feed/read.ts'
import { samplesByRow } from '../rows/order.ts'
import { firstOf, formOf, listRowFiles, type RowFile, readRowFile, rowsFolder } from '../rows/row-file.ts'
import { bytesOf, encodeSpans, sealSpans } from '../rows/step-spans.ts'
import { byteAt, type Check, type Where } from './check.ts'
import type { FoundHead } from './feed.ts'

const advice = 'remove its three files, and give headrace materialise: it makes them again'

/** Holds the files of rows against their hashes and the ledger, and the first and the last step of each against the feed as it is read. */
export async function verifyRows(home: string, { folder, head }: FoundHead, check: Check): Promise<void> {
  const dir = join(home, folder)
  const names = await listRowFiles(join(dir, rowsFolder))
  if (!head || names.length === 0) return
  const takeDowns = await tryTakeDowns(dir)
  for (const name of names) {
    const where = { file: `${folder}/${rowsFolder}/${name}`, place: '' }
    check.counted++
    const file = await check.attempt(where, advice, () => readRowFile(join(dir, rowsFolder), name))
    if (file)
      await check.attempt(where, advice, () =>
        new RowsCheck(dir, head, file, where, check).run(takeDowns, firstOf(name)),
      )
  }
}

/** Null where that can't be read, which is said of the plan. */
async function tryTakeDowns(dir: string): Promise<number | null> {
  try {
    return await countTakeDowns(dir)
  } catch (error) {
    if (error instanceof HeadraceError && error.code === 'corrupt') return null
    throw error
  }
}

/** What a feed and its files say of one file of rows. */
class RowsCheck {
  readonly #dir: string
  readonly #head: Head
  readonly #file: RowFile
  readonly #where: Where
  readonly #check: Check

  constructor(dir: string, head: Head, file: RowFile, where: Where, check: Check) {
    this.#dir = dir
    this.#head = head
    this.#file = file
    this.#where = where
    this.#check = check
  }

  async run(takeDowns: number | null, first: number): Promise<void> {
    const { steps, takeDowns: masked } = this.#file
    const wrong = await this.#findWrong(first)
    if (wrong) return this.#fail(wrong)
    const isMasked = masked === takeDowns
    if (!isMasked && takeDowns !== null)
      this.#check.note(
        `${this.#where.file} is from before a take-down: readers mask its rows, headrace materialise mends it`,
      )
    await using ids = await open(join(this.#dir, rowsFolder, this.#file.ids))
    await using spans = await open(join(this.#dir, rowsFolder, this.#file.spans))
    // Lengths that a stranger wrote are asked of no memory.
    if (!(await this.#checkSizes(ids, spans))) return
    for (let i = 0; i < steps; i++) {
      const step = await this.#readStep(i, ids, spans)
      const isSound = this.#checkHashes(i, step)
      // What a description says of a step beside its hashes only the feed can tell.
      if (isSound && isMasked && (i === 0 || i === steps - 1)) await this.#compare(i, step)
    }
  }

  /** What of the description is not this feed's, or null. */
  async #findWrong(first: number): Promise<string | null> {
    const { version, align, cutTargets, endOfText, feed, steps, batch, order, digests } = this.#file
    if (feed !== this.#head.feed || first + steps > this.#head.steps || steps === 0)
      return 'it is of another feed, or of steps that this one does not have'
    const form = formOf(this.#head)
    const isForm = [version, align, cutTargets].join() === [form.version, form.align, form.cutTargets].join()
    if (this.#file.first !== first || !isForm || endOfText !== this.#head.endOfText)
      return 'it says otherwise of itself than its name and the head do'
    if (order.join() !== samplesByRow(batch).join()) return 'its order of rows is none'
    // A digest names the one before it, so that the last one speaks for all.
    const last = await new LedgerReader(this.#dir, this.#head).open(first + steps - 1)
    return last.digest === digests.at(-1) ? null : 'its last step is another than the ledger has'
  }

  async #checkSizes(ids: FileHandle, spans: FileHandle): Promise<boolean> {
    const sizes = [
      [this.#file.ids, (await ids.stat()).size, this.#file.steps * this.#stepBytes],
      [this.#file.spans, (await spans.stat()).size, this.#file.spansEnds.at(-1)!],
    ] as const
    const wrong = sizes.filter(([, found, wanted]) => found !== wanted)
    for (const [name, found, wanted] of wrong) this.#fail(`${name} has ${found} bytes, and ${wanted} are described`)
    return wrong.length === 0
  }

  #checkHashes(i: number, { ids, spans }: StepBytes): boolean {
    const { first, digests, sha256, seals, feed } = this.#file
    const isWhole = hash('sha256', ids) === sha256[i]
    if (!isWhole)
      this.#check.fail(
        byteAt(this.#nameOf(this.#file.ids), i * this.#stepBytes),
        `step ${first + i} has other tokens than its SHA-256 says`,
        advice,
      )
    const isSealed = sealSpans(feed, digests[i], sha256[i], spans) === seals[i]
    if (!isSealed)
      this.#check.fail(
        byteAt(this.#nameOf(this.#file.spans), this.#spansFrom(i)),
        `what it says of step ${first + i} is not what its seal says`,
        advice,
      )
    return isWhole && isSealed
  }

  async #compare(i: number, { ids, spans }: StepBytes): Promise<void> {
    const step = this.#file.first + i
    const batch = await readOne(this.#dir, step)
    const { targets, domains } = this.#file
    const asked = encodeSpans(batch, this.#head.cutTargets === 'next', domain => domains.indexOf(domain))
    const isSame =
      batch.targetsInStep === targets[i] && this.#rowsOf(batch).equals(ids) && Buffer.compare(asked, spans) === 0
    if (!isSame) this.#fail(`step ${step} is another than the feed gives`)
  }

  #rowsOf({ inputIds, length }: FeedBatch): Buffer {
    return Buffer.concat(
      this.#file.order.map(sample => bytesOf(inputIds.subarray(sample * length, (sample + 1) * length))),
    )
  }

  get #stepBytes(): number {
    return 4 * this.#file.batch * this.#file.length
  }

  #spansFrom(i: number): number {
    return i === 0 ? 0 : this.#file.spansEnds[i - 1]
  }

  async #readStep(i: number, ids: FileHandle, spans: FileHandle): Promise<StepBytes> {
    const from = this.#spansFrom(i)
    return {
      ids: await readBytes(ids, i * this.#stepBytes, this.#stepBytes),
      spans: await readBytes(spans, from, Math.max(0, this.#file.spansEnds[i] - from)),
    }
  }

  /** A file beside the description, from the run's folder. */
  #nameOf(file: string): string {
    return posix.join(posix.dirname(this.#where.file), file)
  }

  #fail(what: string): void {
    this.#check.fail(this.#where, what, advice)
  }
}

/** What the files have of one step. */
interface StepBytes {
  readonly ids: Uint8Array
  readonly spans: Uint8Array
}

async function readOne(dir: string, step: number): Promise<FeedBatch> {
  for await (const batch of readFeed(dir, { from: step, spans: true, verify: 'off' })) return batch
  throw new HeadraceError('corrupt', `the feed in ${dir} gives no step ${step}`)
}
