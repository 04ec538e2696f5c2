import { limits } from '../limits.ts'
import { bytesOfInts } from './fields.ts'
import type { Format, Part } from './format.ts'
import type { OutFolder } from './out-folder.ts'
import { partName } from './part-name.ts'

/**
 * LitData's chunks of tokens (`litdata/streaming/{writer,item_loader}.py`, TokensLoader). A sample is an item.
 *
 *     chunk-0-N.bin  u32 items, u32 offsets[items + 1] from the file's beginning, token ids as int32
 *     index.json     chunks with `dim`, their tokens, and the config
 *
 * The reader takes the body of a chunk as one row of tokens and leaves out what is not a whole block at its end: nothing, as long as its
 * blocks are samples.
 */
export const litdata: Format = {
  name: 'litdata',
  about: 'chunks of tokens with an index, as LitData reads them',
  fileBytes: { default: limits.exportChunkBytes, max: limits.exportAddressedBytesMax },
  tokenBytes: [4],
  fields: [],
  hasPadding: true,
  advise: ({ length }) => [
    `StreamingDataset(DIR, item_loader=TokensLoader(block_size=${length}), shuffle=False) gives each sample as it is. Another block_size cuts across samples and leaves out the tail of each chunk.`,
    'Ranks and workers get chunks of their own: only one of each reads in the order of steps.',
  ],
  open: (folder, { length }) => {
    const chunks: Chunk[] = []
    return {
      bytesMaxOf: () => 4 + 4 * length,
      openPart: number => openPart(folder, `chunk-0-${partName(number, 1)}.bin`, length, chunk => chunks.push(chunk)),
      finish: async () => {
        await folder.write('index.json', JSON.stringify({ chunks, config, updated_at: '0' }))
      },
    }
  },
}

interface Chunk {
  readonly chunk_bytes: number
  readonly chunk_size: number
  readonly dim: number
  readonly filename: string
}

/** As LitData 0.2.76 writes it of int32 tensors; 16 is int32 in its table of types, and the specification PyTorch's of a single tensor. */
const config = {
  chunk_bytes: null,
  chunk_size: null,
  compression: null,
  data_format: ['no_header_tensor:16'],
  data_spec: '[1, {"type": null, "context": null, "children_spec": []}]',
  encryption: null,
  item_loader: 'TokensLoader',
}

async function openPart(
  folder: OutFolder,
  name: string,
  length: number,
  onClose: (chunk: Chunk) => void,
): Promise<Part> {
  const body = await folder.spool(name)
  return {
    get bytes() {
      return body.bytes + body.bytes / length
    },
    write: sample => body.append(bytesOfInts(sample.tokens)),
    close: async () => {
      const items = body.bytes / (4 * length)
      const first = 4 + 4 * (items + 1)
      const file = await folder.create(name)
      const offsets = Array.from({ length: items + 1 }, (_, item) => first + item * 4 * length)
      await file.append(bytesOfInts(Uint32Array.of(items, ...offsets)))
      for await (const bytes of body.read()) await file.append(bytes)
      onClose({ chunk_bytes: file.bytes, chunk_size: items, dim: items * length, filename: name })
      await file.close()
      await body.remove()
    },
  }
}
