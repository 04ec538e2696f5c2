import { limits } from '../limits.ts'
import { bytesOfInts } from './fields.ts'
import type { Format, Part } from './format.ts'
import { npyHeader } from './npy.ts'
import type { OutFolder } from './out-folder.ts'
import { partName } from './part-name.ts'
import { countTokens, shortPieceTokens } from './sample.ts'

/**
 * InternEvo's tokenized files (`internlm/data/tokenized/single_dataset.py`). A piece of a document is a line, of which its packed datasets
 * make `cu_seqlens`.
 *
 *     train/headrace/N.bin       a line of JSON each: {"tokens": [1,2,3]}
 *     train/headrace/N.bin.meta  .npy of int64, a row a line: its first byte, its number of tokens
 *
 * The folder in `train` is the kind of data that its loss is shown by.
 */
export const internevo: Format = {
  name: 'internevo',
  about: 'lines of tokens with .meta, a line for each piece of a document, as InternEvo reads them',
  fileBytes: { default: limits.exportFileBytes, max: Number.MAX_SAFE_INTEGER },
  tokenBytes: [4],
  fields: [],
  hasPadding: false,
  advise: (_, { shortPieces }) => [
    'The train folder is DIR/train. Its packed datasets shuffle documents and cut them anew: the steps are lost, and no setting keeps them.',
    `JsonlDataset leaves out lines of under ${shortPieceTokens} tokens unless min_length is 0; there are ${shortPieces}. In a training config data.min_length is 0 by default.`,
  ],
  open: folder => ({
    bytesMaxOf: sample => 11 * countTokens(sample) + 14 * sample.pieces.length,
    openPart: number => openPart(folder, `train/headrace/${partName(number)}.bin`),
    finish: async () => {},
  }),
}

async function openPart(folder: OutFolder, name: string): Promise<Part> {
  const lines = await folder.create(name)
  const rows = await folder.spool(`${name}.meta`)
  return {
    get bytes() {
      return lines.bytes
    },
    write: async ({ tokens, pieces }) => {
      for (const { start, length } of pieces) {
        await rows.append(bytesOfInts(BigInt64Array.of(BigInt(lines.bytes), BigInt(length))))
        await lines.append(Buffer.from(`{"tokens": [${tokens.subarray(start, start + length).join(',')}]}\n`))
      }
    },
    close: async () => {
      await lines.close()
      const meta = await folder.create(`${name}.meta`)
      await meta.append(npyHeader('<i8', [rows.bytes / 16, 2]))
      for await (const bytes of rows.read()) await meta.append(bytes)
      await meta.close()
      await rows.remove()
    },
  }
}
