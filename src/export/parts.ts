import { HeadraceError } from '../errors.ts'
import type { Exporter, Part } from './format.ts'
import type { Sample } from './sample.ts'

/** The parts of an export, one after the other: each is closed before it would have more bytes than files may have. */
export class Parts {
  readonly #exporter: Exporter
  readonly #fileBytes: number
  readonly #bytesMax: number
  #part: Part | null = null
  #count = 0

  /** `fileBytes` of a part at most, unless one sample is more; `bytesMax` whatever it holds. */
  constructor(exporter: Exporter, fileBytes: number, bytesMax: number) {
    this.#bytesMax = bytesMax
    this.#exporter = exporter
    this.#fileBytes = fileBytes
  }

  async write(sample: Sample): Promise<void> {
    const bytes = this.#exporter.bytesMaxOf(sample)
    if (bytes > this.#bytesMax)
      throw new HeadraceError(
        'limit',
        `a sample of step ${sample.step} takes up to ${bytes} bytes, and a file of this format has ${this.#bytesMax} at most`,
      )
    if (this.#part && this.#part.bytes + bytes > this.#fileBytes) await this.close()
    this.#part ??= await this.#exporter.openPart(this.#count++)
    await this.#part.write(sample)
  }

  async close(): Promise<void> {
    await this.#part?.close()
    this.#part = null
  }
}
