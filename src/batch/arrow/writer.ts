import { createRequire } from 'node:module'

/** Arrow's own code for metadata, as far as it is used. */
interface Writer
  extends Pick<typeof import('apache-arrow/fb/compression-type'), 'CompressionType'>,
    Pick<typeof import('apache-arrow/ipc/metadata/file'), 'FileBlock' | 'Footer'>,
    Messages,
    Pick<typeof import('apache-arrow/schema'), 'Field' | 'Schema'>,
    Types {}

type Messages = Pick<
  typeof import('apache-arrow/ipc/metadata/message'),
  'BodyCompression' | 'BufferRegion' | 'FieldNode' | 'Message' | 'RecordBatch'
>
type Types = Pick<
  typeof import('apache-arrow/type'),
  'FixedSizeBinary' | 'Float32' | 'Float64' | 'Int32' | 'List' | 'Uint8' | 'Uint32' | 'Utf8'
>

const modules = ['fb/compression-type', 'ipc/metadata/file', 'ipc/metadata/message', 'schema', 'type']
const require = createRequire(import.meta.url)
let writer: Writer | null = null

/**
 * Loads it when something is first written: it is some seventy modules, which take a process that reads alone, as most commands do, longer
 * than reading a run of a few thousand documents. Required, as an import could not be waited for where bytes are made.
 */
export function loadWriter(): Writer {
  writer ??= Object.assign({}, ...modules.map(name => require(`apache-arrow/${name}`))) as Writer
  return writer
}
