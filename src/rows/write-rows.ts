import { hash } from 'node:crypto'
import { type FileHandle, open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { type OnEffect, syncFolder } from '../disk/durable-file.ts'
import { removeFile } from '../disk/files.ts'
import { writeJson } from '../disk/json-file.ts'
import { writeBytes } from '../disk/transfer.ts'
import { wrapDiskError } from '../errors.ts'
import type { Head } from '../feed/files/head.ts'
import type { FeedBatch } from '../feed/read.ts'
import { samplesByRow } from './order.ts'
import { dataName, descriptionName, formOf, type RowFile } from './row-file.ts'
import { bytesOf, encodeSpans, sealSpans } from './step-spans.ts'

/** What a file is made of, beside its steps. */
export interface RowsBasis {
  /** The folder of rows. */
  readonly dir: string
  readonly head: Head
  /** Take-downs that the feed has as the first step is read. */
  readonly takeDowns: number
  readonly edition: number
  readonly onEffect: OnEffect
}

type Lists = { -readonly [Name in 'digests' | 'sha256' | 'targets' | 'spansEnds' | 'seals']: RowFile[Name][number][] }

/**
 * Writes a file of rows aside, step after step, and gives it its name once it is whole: its description is renamed last, and nobody looks at
 * data that none names. Steps are of one batch size and length. Disposed before, nothing of it is left but what the next try writes over.
 */
export class RowsWriter implements AsyncDisposable {
  readonly first: number
  readonly batch: number
  readonly length: number
  readonly #basis: RowsBasis
  readonly #order: Int32Array
  readonly #domains = new Map<string, number>()
  readonly #lists: Lists = { digests: [], sha256: [], targets: [], spansEnds: [], seals: [] }
  readonly #names: { readonly ids: string; readonly spans: string }
  #ids: FileHandle | null = null
  #spans: FileHandle | null = null
  #idsBytes = 0
  #spansBytes = 0

  private constructor({ step, samples, length }: FeedBatch, basis: RowsBasis) {
    this.first = step
    this.batch = samples
    this.length = length
    this.#basis = basis
    this.#order = samplesByRow(samples)
    this.#names = { ids: dataName(step, basis.edition, 'i32'), spans: dataName(step, basis.edition, 'spans') }
  }

  /** Begins with a step, which is to be given to `write` as any other. */
  static async begin(batch: FeedBatch, basis: RowsBasis): Promise<RowsWriter> {
    const writer = new RowsWriter(batch, basis)
    try {
      writer.#ids = await writer.#create(writer.#names.ids)
      writer.#spans = await writer.#create(writer.#names.spans)
      return writer
    } catch (error) {
      await writer[Symbol.asyncDispose]()
      throw error
    }
  }

  get bytes(): number {
    return this.#idsBytes + this.#spansBytes
  }

  async write(batch: FeedBatch): Promise<void> {
    const { head } = this.#basis
    const spans = encodeSpans(batch, head.cutTargets === 'next', domain => this.#numberOf(domain))
    const sha256 = await this.#writeIds(batch)
    await this.#append(this.#spans!, spans, this.#spansBytes, this.#names.spans)
    this.#spansBytes += spans.length
    this.#lists.digests.push(batch.digest)
    this.#lists.sha256.push(sha256)
    this.#lists.targets.push(batch.targetsInStep)
    this.#lists.spansEnds.push(this.#spansBytes)
    this.#lists.seals.push(sealSpans(head.feed, batch.digest, sha256, spans))
  }

  /** Makes it last. Returns its description. */
  async publish(): Promise<RowFile> {
    const { dir, head, takeDowns, onEffect } = this.#basis
    const { feed, endOfText } = head
    await this.#close(file => file.sync())
    for (const name of Object.values(this.#names)) {
      onEffect(`rename ${name}`)
      await rename(join(dir, `${name}.tmp`), join(dir, name)).catch(error => {
        throw wrapDiskError(error, `renaming ${join(dir, name)}`)
      })
    }
    onEffect(`sync ${dir}`)
    await syncFolder(dir)
    const steps = this.#lists.digests.length
    const form = { ...formOf(head), feed, first: this.first, steps }
    const shape = { ...form, batch: this.batch, length: this.length, endOfText }
    const contents = { order: [...this.#order], domains: [...this.#domains.keys()], takeDowns }
    const file: RowFile = { ...shape, ...this.#names, ...contents, ...this.#lists }
    await writeDescription(dir, file, onEffect)
    return file
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ids) return
    // What ended it is told already.
    await this.#close(async () => {}).catch(() => {})
    for (const name of Object.values(this.#names)) await removeFile(join(this.#basis.dir, `${name}.tmp`))
  }

  /** The tokens of a step, in the order of rows. Returns their SHA-256. */
  async #writeIds({ inputIds, samples, length }: FeedBatch): Promise<string> {
    const rows = new Int32Array(samples * length)
    for (const [row, sample] of this.#order.entries())
      rows.set(inputIds.subarray(sample * length, (sample + 1) * length), row * length)
    const bytes = bytesOf(rows)
    await this.#append(this.#ids!, bytes, this.#idsBytes, this.#names.ids)
    this.#idsBytes += bytes.length
    return hash('sha256', bytes)
  }

  #numberOf(domain: string): number {
    const number = this.#domains.get(domain) ?? this.#domains.size
    this.#domains.set(domain, number)
    return number
  }

  async #create(name: string): Promise<FileHandle> {
    const path = join(this.#basis.dir, `${name}.tmp`)
    this.#basis.onEffect(`write ${name}.tmp`)
    return open(path, 'w').catch(error => {
      throw wrapDiskError(error, `creating ${path}`)
    })
  }

  async #append(file: FileHandle, bytes: Uint8Array, at: number, name: string): Promise<void> {
    try {
      await writeBytes(file, bytes, at)
    } catch (error) {
      throw wrapDiskError(error, `writing ${join(this.#basis.dir, name)}`)
    }
  }

  async #close(before: (file: FileHandle) => Promise<void>): Promise<void> {
    const files = [this.#ids, this.#spans]
    this.#ids = null
    this.#spans = null
    const closing = files.map(file => file && before(file).finally(() => file.close()))
    const failed = (await Promise.allSettled(closing)).find(result => result.status === 'rejected')
    if (failed) throw wrapDiskError(failed.reason, `closing rows in ${this.#basis.dir}`)
  }
}

export async function writeDescription(dir: string, file: RowFile, onEffect: OnEffect): Promise<void> {
  await writeJson(join(dir, descriptionName(file.first)), file, onEffect)
}
