import { noTarget } from '../feed/read.ts'
import { limits } from '../limits.ts'
import { bytesOfInts } from './fields.ts'
import type { ExportShape, Format, Part } from './format.ts'
import type { OutFolder } from './out-folder.ts'
import { partName } from './part-name.ts'
import type { Sample } from './sample.ts'
import { bytesOfTokens } from './token-bytes.ts'

/**
 * datatrove's tokenized files (`datatrove/utils/dataset.py`, DatatroveFolderDataset; nanotron's Nanoset reads the same):
 *
 *     X.ds           token ids back to back, no header
 *     X.ds.index     u64 a document: the token after its last one
 *     X.ds.metadata  tokenizer|bytes a token, tokens, tokens for people
 *
 * The reader cuts rows of `seq_len + 1`, and of each row that one token less is an input. A piece, and the padding behind the last, is a
 * document, so that positions are those of the feed. Of a feed with `cutTargets: 'next'` a row has one token more than a sample: the last
 * target, and padding where there is none.
 */
export const datatrove: Format = {
  name: 'datatrove',
  about: '.ds files with an index of documents, as datatrove and nanotron read them',
  fileBytes: { default: limits.exportFileBytes, max: Number.MAX_SAFE_INTEGER },
  tokenBytes: [4, 2],
  fields: [],
  hasPadding: true,
  advise: ({ length, tokenBytes, hasNext }) => [
    `DatatroveFolderDataset(DIR, seq_len=${hasNext ? length : length - 1}, filename_pattern="*.ds", token_size=${tokenBytes}, return_positions=True) gives each sample as it is, in order: its rows are of seq_len + 1. Another seq_len cuts across samples.`,
  ],
  open: (folder, shape) => ({
    bytesMaxOf: () => rowTokens(shape) * shape.tokenBytes,
    openPart: number => openPart(folder, shape, `${partName(number)}_unshuffled.ds`),
    finish: async () => {},
  }),
}

const rowTokens = ({ length, hasNext }: ExportShape) => (hasNext ? length + 1 : length)

async function openPart(folder: OutFolder, shape: ExportShape, name: string): Promise<Part> {
  const { tokenBytes, tokenizer } = shape
  const tokens = await folder.create(name)
  const index = await folder.create(`${name}.index`)
  return {
    get bytes() {
      return tokens.bytes
    },
    write: async sample => {
      const row = rowOf(sample, shape)
      await index.append(bytesOfInts(endsOf(sample, row.length, tokens.bytes / tokenBytes)))
      await tokens.append(bytesOfTokens(row, tokenBytes))
    },
    close: async () => {
      const count = tokens.bytes / tokenBytes
      await tokens.close()
      await index.close()
      const shown = `${(count / 1e9).toFixed(3)} GT`
      await folder.write(`${name}.metadata`, `${tokenizer}|${tokenBytes}\n${count}\n${shown}`)
    },
  }
}

function rowOf({ tokens, targets }: Sample, { hasNext, endOfText }: ExportShape): Int32Array {
  if (!hasNext) return tokens
  const last = targets[targets.length - 1]
  const row = new Int32Array(tokens.length + 1)
  row.set(tokens)
  row[tokens.length] = last === noTarget ? (endOfText ?? 0) : last
  return row
}

/** Where each span of a sample ends, in tokens of the file: the last one with its row. */
function endsOf({ bounds }: Sample, row: number, before: number): BigInt64Array {
  const ends = bounds.slice(1)
  ends[ends.length - 1] = row
  return BigInt64Array.from(ends, end => BigInt(before + end))
}
