import { fixed, numbers } from '../batch/batch.ts'
import { type OptionsOf, resolveOptions } from '../options.ts'
import { addressOf, type Decider } from './decider.ts'

export const exactDuplicatesOptions = {}

const itemBytes = 16

/**
 * Drops a document whose text a kept one has, by `textHash` of the annotator `signature`. About 40 bytes a kept document.
 *
 * The table finds the first kept document with the same first 8 bytes of the hash; the other 8 are compared with its item. Two
 * different texts that share the first 8 (3 pairs expected among 10^10) are both kept, and copies of the second then stay.
 *
 *     .annotate(normalize(), signature()).decide(exactDuplicates())
 */
export function exactDuplicates(options: OptionsOf<typeof exactDuplicatesOptions> = {}): Decider {
  resolveOptions('exactDuplicates()', exactDuplicatesOptions, options)
  return {
    name: 'exact-duplicates',
    version: 1,
    options: {},
    reads: ['textHash'],
    reasons: ['exact-duplicate'],
    tables: [
      { name: 'exact-hashes', kind: 'keyed', width: 4 },
      // Last 8 bytes of the hash, float64 address.
      { name: 'exact-documents', kind: 'list', width: itemBytes },
    ],
    open(batch, slot, state) {
      const hashes = fixed(batch, 'textHash')
      const rowNumbers = numbers(batch, 'row')
      const table = state.keyed('exact-hashes')
      const documents = state.list('exact-documents')
      // Made when the first row is asked for: of many slots the rules keep none, and columns are unpacked when they are read.
      let made: DataView | null = null
      const view = () => (made ??= viewOf(hashes.bytes))
      const high = (row: number): number => view().getUint32(row * 16, true)
      const low = (row: number): number => view().getUint32(row * 16 + 4, true)
      const item = new Uint8Array(itemBytes)
      const itemView = new DataView(item.buffer)
      return {
        decide(row, verdict) {
          const found = table.get(high(row), low(row))
          if (found < 0) return true
          item.set(documents.at(found))
          for (let i = 0; i < 8; i++) if (item[i] !== hashes.bytes[row * 16 + 8 + i]) return true
          verdict.reason = 'exact-duplicate'
          verdict.duplicateOf = itemView.getFloat64(8, true)
          verdict.similarity = 1
          return false
        },
        keep(row) {
          item.set(hashes.bytes.subarray(row * 16 + 8, row * 16 + 16))
          itemView.setFloat64(8, addressOf(slot, rowNumbers[row]), true)
          table.set(high(row), low(row), documents.push(item))
        },
      }
    },
  }
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array) => new DataView(buffer, byteOffset, byteLength)
