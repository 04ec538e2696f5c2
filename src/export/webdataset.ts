import { limits } from '../limits.ts'
import { bytesOfField, type FieldName, fieldBytesMax, fieldNames, readField } from './fields.ts'
import type { Format, Part } from './format.ts'
import { npyHeader } from './npy.ts'
import type { OutFolder } from './out-folder.ts'
import { partName } from './part-name.ts'
import type { Sample } from './sample.ts'
import { memberBytesMax, tarEnd, tarMember } from './tar.ts'

/**
 * Tar files as WebDataset reads them (`webdataset/tariterators.py`): members in a row that have the same name up to its first dot are a
 * sample. `<step>-<row>.tokens.npy` and so on are arrays of int32; `<step>-<row>.json` has what is no array.
 */
export const webdataset: Format = {
  name: 'webdataset',
  about: 'tar files, a member for each array of a sample, as WebDataset reads them',
  fileBytes: { default: limits.exportFileBytes, max: Number.MAX_SAFE_INTEGER },
  tokenBytes: [4],
  fields: fieldNames,
  hasPadding: true,
  advise: () => [
    'WebDataset(files in order, shardshuffle=False).decode() keeps the order for one rank and one worker; more of them get files of their own.',
    'It checks no hash and has no state to resume from.',
  ],
  open: (folder, { fields }) => {
    let [step, row] = [-1, 0]
    const keyOf = (sample: Sample) => {
      row = sample.step === step ? row + 1 : 0
      step = sample.step
      return `${String(step).padStart(8, '0')}-${String(row).padStart(6, '0')}`
    }
    return {
      bytesMaxOf: sample => fieldBytesMax(sample, fields) + fields.length * memberBytesMax,
      openPart: number => openPart(folder, `shard-${partName(number)}.tar`, fields, keyOf),
      finish: async () => {},
    }
  },
}

async function openPart(
  folder: OutFolder,
  name: string,
  fields: readonly FieldName[],
  keyOf: (sample: Sample) => string,
): Promise<Part> {
  const file = await folder.create(name)
  return {
    get bytes() {
      return file.bytes
    },
    write: async sample => {
      const key = keyOf(sample)
      for (const { extension, content } of membersOf(sample, fields))
        await file.append(...tarMember(`${key}.${extension}`, content))
    },
    close: async () => {
      await file.append(tarEnd)
      await file.close()
    },
  }
}

interface Member {
  readonly extension: string
  readonly content: Uint8Array
}

function membersOf(sample: Sample, fields: readonly FieldName[]): Member[] {
  const members: Member[] = []
  const rest: Record<string, unknown> = {}
  for (const name of fields) {
    const value = readField(sample, name)
    if (typeof value === 'object')
      members.push({
        extension: `${name}.npy`,
        content: Buffer.concat([npyHeader('<i4', [value.length]), bytesOfField(value)]),
      })
    else rest[name] = name === 'documents' ? JSON.parse(value as string) : value
  }
  if (Object.keys(rest).length > 0) members.push({ extension: 'json', content: Buffer.from(JSON.stringify(rest)) })
  return members
}
