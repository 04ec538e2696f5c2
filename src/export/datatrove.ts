import { limits } from '../limits.ts'
import { bytesOfInts } from './fields.ts'
import type { ExportShape, Format, Part } from './format.ts'
import type { OutFolder } from './out-folder.ts'
import { partName } from './part-name.ts'
import { paddingStart, type Sample } from './sample.ts'
import { bytesOfTokens } from './token-bytes.ts'

/**
 * datatrove's tokenized files (`datatrove/utils/dataset.py`, DatatroveFolderDataset; nanotron's Nanoset reads the same):
 *
 *     X.ds           token ids back to back, no header
 *     X.ds.index     u64 a document: the token after its last one
 *     X.ds.metadata  tokenizer|bytes a token, tokens, tokens for people
 *
 * The reader cuts rows of `seq_len + 1`, and of each row that one token less is an input. A piece, and the padding behind the last, is a
 * document, so that positions are those of the feed.
 */
export const datatrove: Format = {
  name: 'datatrove',
  about: '.ds files with an index of documents, as datatrove and nanotron read them',
  fileBytes: { default: limits.exportFileBytes, max: Number.MAX_SAFE_INTEGER },
  tokenBytes: [4, 2],
  fields: [],
  hasPadding: true,
  advise: ({ length, tokenBytes }) => [
    `DatatroveFolderDataset(DIR, seq_len=${length - 1}, filename_pattern="*.ds", token_size=${tokenBytes}, return_positions=True) gives each sample as it is, in order: its rows are of seq_len + 1. Another seq_len cuts across samples.`,
  ],
  open: (folder, shape) => ({
    bytesMaxOf: () => shape.length * shape.tokenBytes,
    openPart: number => openPart(folder, shape, `${partName(number)}_unshuffled.ds`),
    finish: async () => {},
  }),
}

async function openPart(folder: OutFolder, { tokenBytes, tokenizer }: ExportShape, name: string): Promise<Part> {
  const tokens = await folder.create(name)
  const index = await folder.create(`${name}.index`)
  return {
    get bytes() {
      return tokens.bytes
    },
    write: async sample => {
      await index.append(bytesOfInts(endsOf(sample, tokens.bytes / tokenBytes)))
      await tokens.append(bytesOfTokens(sample.tokens, tokenBytes))
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

/** Where each span of a sample ends, in tokens of the file. */
function endsOf(sample: Sample, before: number): BigInt64Array {
  const ends = sample.pieces.map(({ start, length }) => BigInt(before + start + length))
  if (paddingStart(sample) < sample.tokens.length) ends.push(BigInt(before + sample.tokens.length))
  return BigInt64Array.from(ends)
}
