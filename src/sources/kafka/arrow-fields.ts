import { ArrowStruct, type ArrowValue } from '../../batch/arrow/foreign/taking.ts'
import { takeField } from '../nested-field.ts'

type Fields = Map<string, unknown>

/** A column whose structs have fields that are parts of a document, by the paths to these. */
export class NestedColumn {
  readonly #fields: Fields | null
  readonly #value: ArrowValue

  constructor(value: ArrowValue) {
    this.#value = value
    this.#fields = value instanceof ArrowStruct ? toFields(value) : null
  }

  /** Takes the field out, as of JSON and Parquet; null where there is none. */
  take(path: string): ArrowValue {
    return fromFields(takeField(this.#fields, path) ?? null)
  }

  /** What is left of it. */
  rest(): ArrowValue {
    return this.#fields === null ? this.#value : fromFields(this.#fields)
  }
}

function toFields({ entries }: ArrowStruct): Fields {
  return new Map(entries.map(([name, value]) => [name, value instanceof ArrowStruct ? toFields(value) : value]))
}

function fromFields(value: unknown): ArrowValue {
  if (!(value instanceof Map)) return value as ArrowValue
  return new ArrowStruct(Array.from(value as Fields, ([name, field]) => [name, fromFields(field)]))
}
