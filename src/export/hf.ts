import { encodeRecordBatch, encodeStreamHead, streamEnd } from '../batch/arrow/ipc.ts'
import { type Column, type Field, utf8From } from '../batch/batch.ts'
import { limits } from '../limits.ts'
import { type FieldName, fieldBytesMax, fieldNames, kindOf, readField } from './fields.ts'
import type { Format, Part } from './format.ts'
import type { OutFolder } from './out-folder.ts'
import { partName } from './part-name.ts'
import type { Sample } from './sample.ts'

/**
 * What `Dataset.save_to_disk` of Hugging Face datasets leaves (`datasets/arrow_dataset.py`): files of Arrow's stream format, of which
 * `state.json` has the names, and `dataset_info.json`. `load_from_disk` maps them into memory; `load_dataset('arrow', ...)` reads the same
 * files. A sample is a row. Targets are shifted, so they are not called `labels`, which its models shift.
 */
export const hf: Format = {
  name: 'hf',
  about: 'Arrow files as save_to_disk leaves them, a row for each sample, for Hugging Face datasets',
  fileBytes: { default: limits.exportFileBytes, max: Number.MAX_SAFE_INTEGER },
  tokenBytes: [4],
  fields: fieldNames,
  hasPadding: true,
  advise: () => [
    'load_from_disk(DIR) has the samples in order, until it is shuffled. Arrays are int64 in its formats torch and numpy.',
    'Give targets to a model of transformers as shift_labels, not as labels: they are shifted already.',
  ],
  open: (folder, { fields }) => {
    const files: string[] = []
    return {
      bytesMaxOf: sample => fieldBytesMax(sample, fields),
      openPart: number => {
        files.push(`data-${partName(number, 5)}`)
        return openPart(folder, files[number], fields)
      },
      finish: () => writeInfo(folder, files),
    }
  },
}

const columnNames: Readonly<Partial<Record<FieldName, string>>> = { tokens: 'input_ids', positions: 'position_ids' }
const kinds = { row: 'list<i32>', ints: 'list<i32>', text: 'utf8', int: 'u32' } as const

function fieldsOf(fields: readonly FieldName[]): Field[] {
  return fields.map(name => ({ name: columnNames[name] ?? name, kind: kinds[kindOf(name)] }))
}

async function openPart(folder: OutFolder, name: string, fields: readonly FieldName[]): Promise<Part> {
  const file = await folder.create(name)
  await file.append(encodeStreamHead(fieldsOf(fields)))
  let held: Sample[] = []
  let heldBytes = 0
  const flush = async () => {
    const columns = fields.map(field => [columnNames[field] ?? field, columnOf(held, field)] as const)
    await file.append(...encodeRecordBatch({ rows: held.length, columns: Object.fromEntries(columns) }))
    held = []
    heldBytes = 0
  }
  return {
    get bytes() {
      return file.bytes + heldBytes
    },
    write: async sample => {
      held.push(sample)
      heldBytes += fieldBytesMax(sample, fields)
      if (heldBytes >= limits.exportBatchBytes) await flush()
    },
    close: async () => {
      if (held.length > 0) await flush()
      await file.append(streamEnd)
      await file.close()
    },
  }
}

function columnOf(samples: readonly Sample[], field: FieldName): Column {
  const values = samples.map(sample => readField(sample, field))
  const kind = kindOf(field)
  if (kind === 'text') return utf8From(values as string[])
  if (kind === 'int') return { kind: 'u32', values: Uint32Array.from(values as number[]) }
  const lists = values as Int32Array[]
  const offsets = new Int32Array(lists.length + 1)
  for (const [i, list] of lists.entries()) offsets[i + 1] = offsets[i] + list.length
  const all = new Int32Array(offsets[lists.length])
  for (const [i, list] of lists.entries()) all.set(list, offsets[i])
  return { kind: 'list<i32>', offsets, values: all }
}

/** Files are named with how many there are, which is known now. */
async function writeInfo(folder: OutFolder, files: readonly string[]): Promise<void> {
  const names = files.map(name => `${name}-of-${partName(files.length, 5)}.arrow`)
  for (const [i, name] of names.entries()) await folder.rename(files[i], name)
  const state = {
    _data_files: names.map(filename => ({ filename })),
    _fingerprint: folder.file(names[0]).sha256.slice(0, 16),
    _format_columns: null,
    _format_kwargs: {},
    _format_type: null,
    _output_all_columns: false,
    _split: 'train',
  }
  await folder.write('state.json', `${JSON.stringify(state, null, 2)}\n`)
  await folder.write(
    'dataset_info.json',
    `${JSON.stringify({ citation: '', description: '', homepage: '', license: '' }, null, 2)}\n`,
  )
}
