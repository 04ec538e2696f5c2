import '../temporary.ts'
import { datatrove } from '../../src/export/datatrove.ts'
import type { Exporter, Format, Part } from '../../src/export/format.ts'
import { formats } from '../../src/export/formats.ts'
import { mds } from '../../src/export/mds.ts'
import type { Sample } from '../../src/export/sample.ts'
import { type Mutant, testMutants } from '../conformance/mutants.ts'
import { readers } from './read-back.ts'
import { type FormatSubject, formatSuite, testFormat } from './suite.ts'

for (const format of formats) testFormat(format.name, () => ({ format, read: readers[format.name] }))

/** A format whose exporter, or parts, are changed. */
function changed(base: Format, change: (exporter: Exporter) => Partial<Exporter>): () => FormatSubject {
  const open: Format['open'] = (...given) => {
    const exporter = base.open(...given)
    return { ...exporter, ...change(exporter) }
  }
  return () => ({ format: { ...base, open }, read: readers[base.name] })
}
const withParts = (change: (part: Part, number: number) => Partial<Part>, base = datatrove) =>
  changed(base, exporter => ({
    openPart: async number => {
      const part = await exporter.openPart(number)
      const plain: Part = { bytes: 0, write: part.write, close: part.close }
      return Object.assign(Object.defineProperty(plain, 'bytes', { get: () => part.bytes }), change(part, number))
    },
  }))
const reversed = (sample: Sample): Sample => ({ ...sample, tokens: sample.tokens.toReversed() })
let opened = 0

const mutants: Mutant<FormatSubject>[] = [
  [
    /^what is read back/,
    'tokens are turned around',
    withParts(part => ({ write: sample => part.write(reversed(sample)) })),
  ],
  [
    /^what is read back/,
    'a bound of documents is left out',
    withParts(part => ({ write: s => part.write({ ...s, bounds: Int32Array.of(0, ...s.bounds.subarray(2)) }) })),
  ],
  [
    /^many files/,
    'the second file has other tokens',
    withParts((part, number) => ({ write: s => part.write(number === 1 ? reversed(s) : s) })),
  ],
  [/^a sample adds/, 'a sample says fewer bytes', changed(datatrove, () => ({ bytesMaxOf: () => 4 }))],
  [
    /^a sample adds/,
    'a part forgets its bytes',
    changed(datatrove, ({ openPart }) => ({ openPart: async n => ({ ...(await openPart(n)), bytes: 0 }) })),
  ],
  [
    /^the same samples/,
    'a clock is written',
    withParts(part => ({ write: s => part.write({ ...s, tokens: s.tokens.with(0, ++opened) }) })),
  ],
  [
    /^the folder holds/,
    'a file is written past the folder',
    () => {
      const open: Format['open'] = (folder, shape) => {
        const exporter = datatrove.open(folder, shape)
        return { ...exporter, finish: async () => void (await folder.spool('left')) }
      }
      return { format: { ...datatrove, open }, read: readers.datatrove }
    },
  ],
  [
    /^samples stay/,
    'tokens are changed in their place',
    withParts(part => ({ write: s => part.write({ ...s, tokens: s.tokens.fill(1) }) })),
  ],
  [
    /^only the fields/,
    'all fields are written',
    () => ({
      format: { ...mds, open: (folder, shape) => mds.open(folder, { ...shape, fields: mds.fields }) },
      read: readers.mds,
    }),
  ],
  [
    /^ids of 2 bytes/,
    'ids are cut to 2 bytes',
    withParts(part => ({ write: s => part.write({ ...s, tokens: s.tokens.map(id => id & 65_535) }) })),
  ],
  [
    /^what its reader does/,
    'nothing is said',
    () => ({ format: { ...datatrove, advise: () => [] }, read: readers.datatrove }),
  ],
]
testMutants(formatSuite, mutants)
