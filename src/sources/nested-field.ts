type Fields = Record<string, unknown>

/**
 * Takes the field that a path names out of a record: the field of that very name where there is one, else one within an object by the
 * name up to a dot, and so on. `meta.source` is `record['meta.source']`, else `record.meta.source`. The object that it is taken out of
 * stays, without it. Undefined where there is no such field; lists are not looked into.
 */
export function takeField(record: object, path: string): unknown {
  const holder = findHolder(record as Fields, path)
  if (holder === null) return undefined
  const value = holder.fields[holder.name]
  delete holder.fields[holder.name]
  return value
}

/** The value that a path names, left where it is. */
export function findField(record: object, path: string): unknown {
  const holder = findHolder(record as Fields, path)
  return holder === null ? undefined : holder.fields[holder.name]
}

/** The column that holds what a path names: that of its very name, else the first whose name is the path up to a dot; or null. */
export function findColumn(names: readonly string[], path: string): string | null {
  if (names.includes(path)) return path
  const parts = path.split('.')
  const heads = parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('.'))
  return heads.find(head => names.includes(head)) ?? null
}

/** Whether a name may be a path. */
export const isPath = (name: string): boolean => name.includes('.')

function findHolder(fields: Fields, path: string): { readonly fields: Fields; readonly name: string } | null {
  if (Object.hasOwn(fields, path)) return { fields, name: path }
  for (let dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1)) {
    const name = path.slice(0, dot)
    const inner = Object.hasOwn(fields, name) ? fields[name] : null
    const found = isObject(inner) ? findHolder(inner, path.slice(dot + 1)) : null
    if (found) return found
  }
  return null
}

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
