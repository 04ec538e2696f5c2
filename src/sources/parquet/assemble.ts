import type { Value } from './convert.ts'
import { writeKey } from './json.ts'
import type { LeafReader } from './leaf.ts'
import type { Field } from './schema.ts'
import { decodeVariant } from './variant.ts'

/**
 * A column's value in the row whose entries its leaves have gathered. A struct is a Map of the members that it has, as names come from
 * strangers. Throws where the leaves do not agree on how many of something there are.
 */
export function assembleRow(column: Field, leaves: readonly LeafReader[]): Value {
  const value = assemble(column, leaves, column.leaves[0])
  for (const leaf of leaves) if (leaf.at !== leaf.length) throw new Error("a row's columns do not agree")
  return value
}

/** `offset` is the number of the first of the leaves. */
function assemble(field: Field, leaves: readonly LeafReader[], offset: number): Value {
  const first = leaves[field.leaves[0] - offset]
  const isRepeated = field.element.repetition_type === 'REPEATED'
  if (definitionOf(first) < field.definition) {
    skip(field, leaves, offset)
    return isRepeated ? [] : null
  }
  if (!isRepeated) return takeContent(field, leaves, offset)
  const items: Value[] = []
  do items.push(takeContent(field, leaves, offset))
  while (first.at < first.length && first.repetitions[first.at] === field.repetition)
  return items
}

function definitionOf(leaf: LeafReader): number {
  if (leaf.at >= leaf.length) throw new Error("a row's columns do not agree")
  return leaf.definitions[leaf.at]
}

/** Each leaf has one entry for what is not there. */
function skip(field: Field, leaves: readonly LeafReader[], offset: number): void {
  for (let i = field.leaves[0]; i < field.leaves[1]; i++) leaves[i - offset].at++
}

function takeContent(field: Field, leaves: readonly LeafReader[], offset: number): Value {
  const { content, children } = field
  if (content === 'value') {
    const leaf = leaves[field.leaves[0] - offset]
    return leaf.values[leaf.at++]
  }
  if (content === 'wrapper') return assemble(children[0], leaves, offset)
  if (content === 'pair') return children.map(child => assemble(child, leaves, offset))
  if (content === 'struct' || content === 'variant') {
    const members = children.map(child => [child.name, assemble(child, leaves, offset)] as const)
    const struct = new Map(members.filter(([, member]) => member !== null))
    return content === 'struct' ? struct : decodeVariant(struct)
  }
  const pairs = assemble(children[0], leaves, offset) as (readonly Value[])[]
  // As the format has it, the last value of a key that is there twice counts.
  return new Map(pairs.map(([key, value = null]) => [writeKey(key), value]))
}
