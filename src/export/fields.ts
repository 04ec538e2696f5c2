import type { Sample } from './sample.ts'

/** What a field is: a row has one value a token of the sample, `ints` as many as they are, `text` is UTF-8. */
export type FieldKind = 'row' | 'ints' | 'text' | 'int'
export type FieldValue = Int32Array | string | number

/** What formats with named columns can hold of a sample. The default is what a plain collator can stack. */
const table = {
  tokens: { kind: 'row', read: (sample: Sample) => sample.tokens },
  targets: { kind: 'row', read: (sample: Sample) => sample.targets },
  positions: { kind: 'row', read: (sample: Sample) => sample.positions },
  cu_seqlens: { kind: 'ints', read: (sample: Sample) => sample.bounds },
  documents: { kind: 'text', read: (sample: Sample) => JSON.stringify(sample.documents) },
  domain: { kind: 'text', read: (sample: Sample) => sample.domain },
  step: { kind: 'int', read: (sample: Sample) => sample.step },
} as const satisfies Record<string, { kind: FieldKind; read: (sample: Sample) => FieldValue }>

export type FieldName = keyof typeof table
export const fieldNames = Object.keys(table) as readonly FieldName[]
/** `cu_seqlens` has another length in each sample, which collators refuse to stack. `positions` say the same. */
export const defaultFields: readonly FieldName[] = fieldNames.filter(name => name !== 'cu_seqlens')

export function kindOf(name: FieldName): FieldKind {
  return table[name].kind
}

export function readField(sample: Sample, name: FieldName): FieldValue {
  return table[name].read(sample)
}

/** Bytes of these fields of a sample at most, with what a format adds to each. */
export function fieldBytesMax(sample: Sample, fields: readonly FieldName[]): number {
  // JSON writes six bytes for what it must escape.
  const textBytesMax = (text: string) => 6 * text.length + 4
  const idBytes = sample.documents.reduce((sum, document) => sum + textBytesMax(document), 8)
  const bytes = {
    row: 4 * sample.tokens.length,
    ints: 4 * sample.bounds.length,
    int: 8,
    text: idBytes + textBytesMax(sample.domain),
  }
  return fields.reduce((sum, name) => sum + bytes[kindOf(name)] + 16, 0)
}

/** A field's bytes: int32 little-endian, or UTF-8; a number is an int64. */
export function bytesOfField(value: FieldValue): Uint8Array {
  if (typeof value === 'string') return Buffer.from(value)
  if (typeof value === 'number') return new Uint8Array(BigInt64Array.of(BigInt(value)).buffer)
  return bytesOfInts(value)
}

/** The bytes of an array as they are. */
export function bytesOfInts(values: Int32Array | Uint32Array | Uint16Array | BigInt64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}
