import type { ParquetType, SchemaElement } from 'hyparquet'

/** Fields within fields; what JSON and whoever reads it can take. */
const depthMax = 64

/**
 * What a field's content is. `wrapper`: that of its only child, as the groups around a list's elements have no other; `map`: pairs of a key
 * and a value; `pair`: one of these; `variant`: a struct of bytes that say what they are.
 */
export type Content = 'value' | 'struct' | 'wrapper' | 'map' | 'pair' | 'variant'

/** A field of the schema, with the levels that say how much of the path to it there is (Dremel). */
export interface Field {
  readonly name: string
  readonly path: readonly string[]
  readonly element: SchemaElement
  readonly content: Content
  readonly children: readonly Field[]
  /** The definition level from which on it is there, and that of its repetition. */
  readonly definition: number
  readonly repetition: number
  /** Numbers of its leaves among those of the schema: the first, and one behind the last. */
  readonly leaves: readonly [first: number, end: number]
}

export type Leaf = Field & { readonly type: ParquetType }

/** The columns of a schema. Throws where its elements are no tree. */
export function readSchema(elements: readonly SchemaElement[]): Field[] {
  const walk = { elements, next: 1, leaves: 0 }
  const columns = readChildren(walk, elements[0], { path: [], definition: 0, repetition: 0 })
  if (walk.next !== elements.length) throw new Error('the schema is no tree')
  return columns
}

/** The leaves of a field, in the order of the schema. */
export function leavesOf(field: Field): Field[] {
  return field.children.length === 0 ? [field] : field.children.flatMap(leavesOf)
}

interface Walk {
  readonly elements: readonly SchemaElement[]
  next: number
  leaves: number
}

type Above = Pick<Field, 'path' | 'definition' | 'repetition'>

function readChildren(walk: Walk, parent: SchemaElement, above: Above): Field[] {
  const count = parent.num_children ?? 0
  if (!(count >= 0 && walk.next + count <= walk.elements.length)) throw new Error(`a schema of ${count} fields`)
  if (above.path.length > depthMax) throw new Error(`fields within ${depthMax} others`)
  const children: Field[] = []
  while (children.length < count) children.push(readField(walk, above, parent))
  return children
}

function readField(walk: Walk, above: Above, parent: SchemaElement): Field {
  const element = walk.elements[walk.next++]
  if (!element) throw new Error('the schema is no tree')
  const first = walk.leaves
  const isRepeated = element.repetition_type === 'REPEATED'
  const path = [...above.path, element.name]
  const definition = above.definition + (element.repetition_type === 'REQUIRED' ? 0 : 1)
  const repetition = above.repetition + (isRepeated ? 1 : 0)
  const children = readChildren(walk, element, { path, definition, repetition })
  if (children.length === 0) walk.leaves++
  const content = contentOf(element, children, parent)
  return { name: element.name, path, element, content, children, definition, repetition, leaves: [first, walk.leaves] }
}

const isList = ({ converted_type, logical_type }: SchemaElement) =>
  logical_type?.type === 'LIST' || converted_type === 'LIST'

const isMap = ({ converted_type, logical_type }: SchemaElement) =>
  logical_type?.type === 'MAP' || converted_type === 'MAP' || converted_type === 'MAP_KEY_VALUE'

/** Lists and maps also as older writers have them (Parquet format, LogicalTypes.md, "Backward-compatibility rules"). */
function contentOf(element: SchemaElement, children: readonly Field[], parent: SchemaElement): Content {
  if (children.length === 0) return 'value'
  if (element.logical_type?.type === 'VARIANT') return 'variant'
  const isRepeated = element.repetition_type === 'REPEATED'
  if (isRepeated && isMap(parent) && children.length <= 2) return 'pair'
  if (isRepeated && isList(parent)) return isElement(element, children, parent) ? 'struct' : 'wrapper'
  const only = children.length === 1 && children[0].element.repetition_type === 'REPEATED' ? children[0] : null
  if (only && isMap(element) && only.content === 'pair') return 'map'
  return only && isList(element) ? 'wrapper' : 'struct'
}

/** Whether the repeated group within a list is itself the element, and not a group around it. */
function isElement({ name }: SchemaElement, children: readonly Field[], parent: SchemaElement): boolean {
  if (children.length > 1 || name === 'array' || name === `${parent.name}_tuple`) return true
  return children[0].element.repetition_type === 'REPEATED'
}
