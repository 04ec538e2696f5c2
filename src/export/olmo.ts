import { gzipSync } from 'node:zlib'
import { limits } from '../limits.ts'
import type { ExportShape, Format, Part } from './format.ts'
import type { OutFolder } from './out-folder.ts'
import { partName } from './part-name.ts'
import type { Sample } from './sample.ts'
import { bytesOfTokens } from './token-bytes.ts'

/**
 * What dolma's tokenizer writes and OLMo-core reads (`olmo_core/data/numpy_dataset.py`, NumpyFSLDataset):
 *
 *     part-N.npy     token ids back to back: memory as it is, no header, whatever its name says
 *     part-N.csv.gz  start,end,id,source,line of each document, in tokens of the file
 *
 * A row here is a piece of a document; in the place of source and line stand its domain and its step. Padding is in no row.
 */
export const olmo: Format = {
  name: 'olmo',
  about: 'raw .npy files with bounds of documents in .csv.gz, as OLMo-core and dolma have them',
  fileBytes: { default: limits.exportFileBytes, max: Number.MAX_SAFE_INTEGER },
  tokenBytes: [4, 2],
  fields: [],
  hasPadding: true,
  advise: ({ length, tokenBytes }) => [
    `OLMo-core takes the type of ids from its config, uint16 by default: set dtype=${tokenBytes === 2 ? 'uint16' : 'uint32'}.`,
    `NumpyFSLDataset with sequence_length=${length} has the samples in order; its loader shuffles them unless it is given shuffle=False.`,
    'It looks for documents by end-of-text ids; the bounds in .csv.gz are those of the feed (use_array_if_local=False reads them).',
  ],
  open: (folder, shape) => ({
    bytesMaxOf: () => shape.length * shape.tokenBytes,
    openPart: number => openPart(folder, shape, `part-${partName(number)}`),
    finish: async () => {},
  }),
}

/** UTF-16 units of rows that are packed as one: a gzip file may have any number of members. */
const rowsLengthMax = 256 * 1024

async function openPart(folder: OutFolder, { tokenBytes }: ExportShape, name: string): Promise<Part> {
  const tokens = await folder.create(`${name}.npy`)
  const bounds = await folder.create(`${name}.csv.gz`)
  let rows = ''
  const flush = async () => {
    await bounds.append(gzipSync(rows))
    rows = ''
  }
  return {
    get bytes() {
      return tokens.bytes
    },
    write: async sample => {
      rows += rowsOf(sample, tokens.bytes / tokenBytes)
      if (rows.length > rowsLengthMax) await flush()
      await tokens.append(bytesOfTokens(sample.tokens, tokenBytes))
    },
    close: async () => {
      await flush()
      await tokens.close()
      await bounds.close()
    },
  }
}

function rowsOf({ pieces, domain, step }: Sample, before: number): string {
  const rows = pieces.map(({ start, length, document }) =>
    [before + start, before + start + length, quote(document), quote(domain), step].join(','),
  )
  return rows.map(row => `${row}\n`).join('')
}

/** A value of CSV (RFC 4180). */
function quote(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
