/**
 * Fields by the paths that name them, whatever holds them: objects of JSON, the maps that structs of columns are, columns themselves. A path
 * is the field of that very name where there is one, else one within the field whose name is the path up to a dot, and so on. Lists are not
 * looked into.
 */
type Fields = Readonly<Record<string, unknown>> | ReadonlyMap<string, unknown>

/**
 * Takes the field that a path names out of a record: `meta.source` is its `meta.source`, else the `source` of its `meta`. What it is taken
 * out of stays, without it. Undefined where there is no such field.
 */
export function takeField(record: unknown, path: string): unknown {
  const holder = findHolder(record, path)
  if (holder === null) return undefined
  const { fields, name } = holder
  const value = getField(fields, name)
  if (fields instanceof Map) fields.delete(name)
  else delete (fields as Record<string, unknown>)[name]
  return value
}

/** Where the field that a path names lies: in a column, or within a column's values at a path of their own. */
export interface Place {
  readonly column: string
  readonly path: string | null
}

/** The column of that very name, else the first whose name is the path up to a dot; or null. */
export function findPlace(columns: readonly string[], path: string): Place | null {
  if (columns.includes(path)) return { column: path, path: null }
  for (const [head, rest] of splitPath(path)) if (columns.includes(head)) return { column: head, path: rest }
  return null
}

/** Whether a name may be a path. */
export const isPath = (name: string): boolean => name.includes('.')

interface Holder {
  readonly fields: Fields
  readonly name: string
}

function findHolder(value: unknown, path: string): Holder | null {
  if (!isFields(value)) return null
  if (getField(value, path) !== undefined) return { fields: value, name: path }
  for (const [head, rest] of splitPath(path)) {
    const holder = findHolder(getField(value, head), rest)
    if (holder) return holder
  }
  return null
}

/** The two halves of a path at each of its dots. */
function* splitPath(path: string): Generator<readonly [head: string, rest: string]> {
  for (let dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1))
    yield [path.slice(0, dot), path.slice(dot + 1)]
}

function getField(fields: Fields, name: string): unknown {
  if (fields instanceof Map) return fields.get(name)
  return Object.hasOwn(fields, name) ? (fields as Record<string, unknown>)[name] : undefined
}

const isFields = (value: unknown): value is Fields =>
  value instanceof Map ||
  (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype)
