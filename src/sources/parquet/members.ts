import type { Value } from './convert.ts'

/** Where the field that a path names lies: in a column, or within a column's values at a path of their own. */
export interface Place {
  readonly column: string
  readonly path: string | null
}

/** The column of the path's very name where there is one, else the first whose name is the path up to a dot; null where there is none. */
export function findPlace(columns: readonly string[], path: string): Place | null {
  if (columns.includes(path)) return { column: path, path: null }
  for (let dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1)) {
    const column = path.slice(0, dot)
    if (columns.includes(column)) return { column, path: path.slice(dot + 1) }
  }
  return null
}

interface Holder {
  readonly members: Map<string, Value>
  readonly name: string
}

/**
 * The struct or map that has the member which a path names: the one of that very name, else one within the member whose name is the path up
 * to a dot, and so on. Lists are not looked into. Null where there is none.
 */
export function findHolder(value: Value | undefined, path: string): Holder | null {
  if (!(value instanceof Map)) return null
  if (value.has(path)) return { members: value, name: path }
  for (let dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1)) {
    const holder = findHolder(value.get(path.slice(0, dot)), path.slice(dot + 1))
    if (holder) return holder
  }
  return null
}
