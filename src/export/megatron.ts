import { limits } from '../limits.ts'
import { bytesOfInts } from './fields.ts'
import type { ExportShape, Format, Part } from './format.ts'
import type { OutFile } from './out-file.ts'
import type { OutFolder } from './out-folder.ts'
import { partName } from './part-name.ts'
import { countTokens } from './sample.ts'
import type { Spool } from './spool.ts'
import { bytesOfTokens } from './token-bytes.ts'

/**
 * Megatron-Core's indexed dataset (`megatron/core/datasets/indexed_dataset.py`). A piece of a document is a sequence and a document.
 *
 *     PREFIX.bin  token ids back to back
 *     PREFIX.idx  'MMIDIDX\0\0', u64 1, u8 dtype (4 int32, 8 uint16), u64 sequences S, u64 documents + 1,
 *                 i32 lengths[S], i64 byte offsets[S], i64 first sequence of each document and S at the end
 *
 * Its reader checks no length of `.bin` and no order of offsets. GPTDataset keeps what it has computed by the path of the data, whatever
 * the data became, so a prefix ends in the beginning of the data's SHA-256.
 */
export const megatron: Format = {
  name: 'megatron',
  about: '.bin and .idx, a sequence for each piece of a document, as Megatron-Core reads them',
  // The mixing of several prefixes is random, so there is one unless the user wants more.
  fileBytes: { default: limits.exportMegatronBytes, max: limits.exportMegatronBytes },
  tokenBytes: [4, 2],
  fields: [],
  hasPadding: false,
  advise: ({ length }) => [
    'IndexedDataset has the pieces in the order of steps. GPTDataset shuffles them, puts them end to end and cuts them anew: the steps are lost, and no setting keeps them.',
    `Give it sequence_length ${length}, the feed's; it takes one token more for each sample.`,
  ],
  open: (folder, shape) => ({
    bytesMaxOf: sample => countTokens(sample) * shape.tokenBytes,
    openPart: number => openPart(folder, shape, `part-${partName(number)}`),
    finish: async () => {},
  }),
}

async function openPart(folder: OutFolder, { tokenBytes }: ExportShape, name: string): Promise<Part> {
  const tokens = await folder.create(`${name}.bin`)
  const lengths = await folder.spool(`${name}.idx`)
  return {
    get bytes() {
      return tokens.bytes
    },
    write: async sample => {
      await lengths.append(bytesOfInts(Int32Array.from(sample.pieces, piece => piece.length)))
      for (const { start, length } of sample.pieces)
        await tokens.append(bytesOfTokens(sample.tokens.subarray(start, start + length), tokenBytes))
    },
    close: async () => {
      await tokens.close()
      const prefix = `${name}-${folder.file(`${name}.bin`).sha256.slice(0, 12)}`
      await folder.rename(`${name}.bin`, `${prefix}.bin`)
      const index = await folder.create(`${prefix}.idx`)
      await writeIndex(index, lengths, tokenBytes)
      await index.close()
      await lengths.remove()
    },
  }
}

const dtypeCodes = { 2: 8, 4: 4 }

async function writeIndex(index: OutFile, lengths: Spool, tokenBytes: 2 | 4): Promise<void> {
  const sequences = lengths.bytes / 4
  const head = Buffer.alloc(34)
  head.write('MMIDIDX\0\0', 'latin1')
  head.writeBigUInt64LE(1n, 9)
  head.writeUInt8(dtypeCodes[tokenBytes], 17)
  head.writeBigUInt64LE(BigInt(sequences), 18)
  head.writeBigUInt64LE(BigInt(sequences + 1), 26)
  await index.append(head)
  for await (const bytes of lengths.read()) await index.append(bytes)
  let at = 0
  for await (const bytes of lengths.read()) {
    const pointers = Array.from(new Int32Array(bytes.buffer), length => {
      const pointer = at
      at += length * tokenBytes
      return BigInt(pointer)
    })
    await index.append(bytesOfInts(BigInt64Array.from(pointers)))
  }
  for (let from = 0; from <= sequences; from += stepLength) {
    const count = Math.min(stepLength, sequences + 1 - from)
    await index.append(bytesOfInts(BigInt64Array.from({ length: count }, (_, i) => BigInt(from + i))))
  }
}

/** Numbers that are made at a time. */
const stepLength = 65_536
