import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { addressOf } from '../decide/decider.ts'
import { isMissing } from '../disk/files.ts'
import { isCount } from '../disk/json-file.ts'
import { HeadraceError, wrapDiskError } from '../errors.ts'
import { limits } from '../limits.ts'
import { parseObject } from '../sealed-json.ts'
import { cleanPath } from '../text/printable.ts'

/** What a line says of a row. */
export interface RowLabel {
  readonly label: string
  readonly line: number
}

type Place = { readonly slot: number; readonly row: number; readonly id: string }

/**
 * Labels of rows of a run, which a line of JSON names by `slot` and `row`, by `id`, or by all three: then another document at that address is not
 * the one that was labelled.
 */
export class RowLabels {
  readonly #byAddress = new Map<number, RowLabel & { readonly id: string | null }>()
  readonly #byId = new Map<string, RowLabel>()
  readonly #met = new Set<number>()
  /** Lines that are no JSON object, or name no row. */
  unusable = 0
  /** Lines without a label, and those on a row that a line before had labelled. */
  unlabelled = 0
  repeated = 0

  /** Adds the lines of a file. `field` holds the label. Throws `not-found`. */
  async read(path: string, field: string): Promise<void> {
    const file = createReadStream(path, { encoding: 'utf8' })
    let line = 0
    try {
      for await (const text of createInterface({ input: file, crlfDelay: Number.POSITIVE_INFINITY })) {
        line++
        if (text.trim() !== '') this.#add(parseObject(text.replace(/^\uFEFF/, '')), field, line)
      }
    } catch (error) {
      if (isMissing(error)) throw new HeadraceError('not-found', `there is no file ${cleanPath(path)}`, error)
      throw wrapDiskError(error, `reading ${path}`)
    } finally {
      file.destroy()
    }
  }

  /** The label of a row, or null. */
  find(place: Place): RowLabel | null {
    const found = this.#byAddress.get(addressOf(place.slot, place.row))
    const label = found && (found.id === null || found.id === place.id) ? found : this.#byId.get(place.id)
    if (label) this.#met.add(label.line)
    return label ?? null
  }

  get count(): number {
    return this.#byAddress.size + this.#byId.size
  }

  /** Lines of the labels whose rows nobody has asked for: the run has none such. */
  missing(): number[] {
    return [...this.#byAddress.values(), ...this.#byId.values()]
      .map(({ line }) => line)
      .filter(line => !this.#met.has(line))
  }

  #add(object: Record<string, unknown> | null, field: string, line: number): void {
    const [slot, row] = [object?.slot, object?.row]
    const id = asText(object?.id)
    const isPlaced = isCount(slot) && isCount(row)
    if (!object || (!isPlaced && id === null)) this.unusable++
    else {
      const label = Object.hasOwn(object, field) ? asText(object[field]) : null
      const key = isPlaced ? addressOf(slot as number, row as number) : null
      if (label === null) this.unlabelled++
      else if (key === null ? this.#byId.has(id!) : this.#byAddress.has(key)) this.repeated++
      else if (key === null) this.#byId.set(id!, { label, line })
      else this.#byAddress.set(key, { label, line, id })
    }
    if (this.count > limits.examplesMax)
      throw new HeadraceError('limit', `there are more than ${limits.examplesMax} labels, which are held in memory`)
  }
}

const asText = (value: unknown) => {
  if (typeof value === 'string') return value.trim() === '' ? null : value
  return typeof value === 'boolean' || Number.isFinite(value) ? String(value) : null
}
