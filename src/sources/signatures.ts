// What a file is, by its first bytes: names lie, or have no ending.

/** First bytes of a file, also as hexadecimal digits and as text of one byte a character. */
interface Head {
  readonly bytes: Uint8Array
  readonly hex: string
  readonly text: string
}

/** How many first bytes tell all kinds. */
export const headBytes = 4096
const hexBytes = 64

function lookAt(bytes: Uint8Array): Head {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, headBytes))
  return { bytes: head, hex: head.toString('hex', 0, hexBytes), text: head.toString('latin1') }
}

export type Compression = 'gzip' | 'zstd' | 'bzip2' | 'xz'

/** Signatures that no JSON and no text begins with. zstd has frames, skippable frames, and those of versions before 0.8. */
const compressions: readonly (readonly [compression: Compression, hex: RegExp, ending: string])[] = [
  ['gzip', /^1f8b/, '.gz'],
  ['zstd', /^(28b52ffd|5.2a4d18|(1e|2[2-7])b52ffd)/, '.zst'],
  ['bzip2', /^425a683.(314159265359|177245385090)/, '.bz2'],
  ['xz', /^fd377a585a00/, '.xz'],
]

/** How a file is packed. One too short to tell goes by its name. */
export function detectCompression(head: Uint8Array, name: string): Compression | null {
  const { hex } = lookAt(head.subarray(0, hexBytes))
  const found = compressions.find(([, signature]) => signature.test(hex))
  if (found) return found[0]
  if (head.length === 0 || head.length >= 4) return null
  return compressions.find(([, , ending]) => name.toLowerCase().endsWith(ending))?.[0] ?? null
}

/** A kind of file that is not read as what it was given as. */
export interface KindOfFile {
  /** As "this is" goes on. */
  readonly name: string
  readonly advice: string
}

type Known = readonly [name: string, isIt: RegExp | ((head: Head) => boolean), advice: string]

const asRows = 'write it as Parquet or JSON Lines (pyarrow reads it)'
const takeText = 'take the text out of it first'

/** Kinds that are no text, by the hexadecimal digits that they begin with. */
const binaryKinds: readonly Known[] = [
  ['a Parquet file', /^50415231/, "read it as such: a name that ends in .parquet, or parquet('...')"],
  ['an encrypted Parquet file', /^50415245/, 'write it anew without encryption'],
  ['an Arrow file', /^4152524f5731/, asRows],
  ['an Arrow stream', /^ffffffff....0000(10|0c|14)000000/, asRows],
  ['an ORC file', /^4f5243(0[0-9a-f]|1[0-9a-f])/, asRows],
  ['an Avro file', /^4f626a01/, asRows],
  ['a tar file', isTar, 'unpack it first (tar -xf)'],
  ['a zip file', /^504b0(304|506|708)/, 'unpack it first (unzip)'],
  ['a 7z file', /^377abcaf271c/, 'unpack it first (7z x)'],
  ['a rar file', /^526172211a07/, 'unpack it first (unrar x)'],
  ['a gzip file', compressions[0][1], 'unpack it first (gunzip)'],
  ['a zstd file', compressions[1][1], 'unpack it first (unzstd)'],
  ['a bzip2 file', compressions[2][1], 'unpack it first (bunzip2)'],
  ['an xz file', compressions[3][1], 'unpack it first (unxz)'],
  ['an lz4 file', /^0(4224d18|2214c18)/, 'unpack it first (unlz4), or pack it by zstd'],
  ['an lzip file', /^4c5a49500[01]/, 'unpack it first (lzip -d)'],
  ['an lzma file', /^5d0000....(f{16}|.{10}000000)/, 'unpack it first (unlzma)'],
  ['a file of compress', /^1f9d/, 'unpack it first (uncompress)'],
  ['a Snappy file', /^ff060000734e61507059/, 'unpack it first'],
  ['a PDF file', /^255044462d/, takeText],
  ['an SQLite database', /^53514c69746520666f726d6174203300/, 'write its table as JSON Lines (sqlite3 -json)'],
  ['an HDF5 file', /^894844460d0a1a0a/, asRows],
  ["a file of NumPy's", /^934e554d5059/, 'write its texts as JSON Lines'],
  ['a pickle of Python', /^80(0[2-5])(95|7d|5d|28|63|4b|8a)/, 'write its objects as JSON Lines'],
  ['a picture', /^(89504e470d0a1a0a|ffd8ff|4749463[89])/, 'leave it out'],
  ['an executable file', /^7f454c46/, 'leave it out'],
]

/** Kinds that are text, but not the text that is meant. */
const textKinds: readonly Known[] = [
  ['a WARC file', ({ text }) => text.startsWith('WARC/'), takeText],
  ['an XML file', ({ text }) => /^\W{0,3}\s*<\?xml\b/i.test(text), 'write its records as JSON Lines'],
  ['an HTML page', ({ text }) => /^\W{0,3}\s*<(!doctype html|html)\b/i.test(text), takeText],
]

const pointer: Known = [
  'a pointer of Git LFS in place of the file',
  ({ text }) => text.startsWith('version https://git-lfs.github.com/spec/'),
  'fetch the file (git lfs pull)',
]

/** What the file with these first bytes is, where it is known and no text. */
export const nameBinary = (bytes: Uint8Array) => findKind(bytes, [...binaryKinds, pointer])

/** The same of files that should be JSON. */
export const nameKind = (bytes: Uint8Array) => findKind(bytes, [...binaryKinds, pointer, ...textKinds])

function findKind(bytes: Uint8Array, kinds: readonly Known[]): KindOfFile | null {
  const head = lookAt(bytes)
  const found = kinds.find(([, isIt]) => (isIt instanceof RegExp ? isIt.test(head.hex) : isIt(head)))
  return found ? { name: found[0], advice: found[2] } : null
}

/** A tar file names itself at byte 257, or, as the oldest do not, has the sum of its header's bytes at byte 148. */
function isTar({ bytes, text }: Head): boolean {
  if (bytes.length < 512) return false
  if (text.startsWith('ustar', 257)) return true
  const digits = /^[ 0]*([0-7]+)\W*$/.exec(text.slice(148, 156))
  if (!digits || bytes[0] === 0) return false
  const sum = bytes.subarray(0, 512).reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0)
  return Number.parseInt(digits[1], 8) === sum
}
