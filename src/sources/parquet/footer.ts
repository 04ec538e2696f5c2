import { type FileMetaData, parquetMetadata } from 'hyparquet'
import { BadFileError, type Readable } from '../files/files.ts'

/** A footer; more is damage. The largest seen are some MB, in files with many row groups. */
const footerBytesMax = 64 * 1024 * 1024
const magicBytes = 4
const tailBytes = 8

/** Statistics are not used; so a type that their reader does not know costs nothing. */
const nothing = () => undefined as never
const statisticsParsers = {
  timestampFromMilliseconds: nothing,
  timestampFromMicroseconds: nothing,
  timestampFromNanoseconds: nothing,
  dateFromDays: nothing,
  stringFromBytes: nothing,
  jsonFromBytes: nothing,
  geometryFromBytes: nothing,
  geographyFromBytes: nothing,
  uuidFromBytes: nothing,
}

/** The footer of a file. Magic bytes stand at both ends, and the footer's length before the last; `PARE` says that it is encrypted. */
export async function readFooter(file: Readable): Promise<FileMetaData> {
  const head = Buffer.from(await file.read(0, magicBytes)).toString('latin1')
  const tail = Buffer.from(await file.read(Math.max(0, file.size - tailBytes), file.size))
  const magic = tail.toString('latin1', Math.max(0, tail.length - magicBytes))
  if (file.size >= 12 && magic === 'PARE' && (head === 'PARE' || head === 'PAR1'))
    throw new BadFileError('encrypted-file', 'the file is encrypted, its footer too: write it without encryption')
  const isWhole = file.size >= 12 && magic === 'PAR1'
  if (!isWhole && ('PAR1'.startsWith(head) || head === 'PARE'))
    throw new BadFileError('truncated-file', 'the file ends before its footer')
  if (!isWhole || head !== 'PAR1') throw new BadFileError('corrupt-file', 'this is not a Parquet file')
  const length = tail.readUInt32LE(0)
  const start = file.size - tailBytes - length
  if (length > footerBytesMax || start < magicBytes)
    throw new BadFileError('corrupt-file', `the footer has ${length} bytes`)
  return parquetMetadata(await file.read(start, file.size), { geoparquet: false, parsers: statisticsParsers })
}
