import * as flat from '../flatbuffer.ts'
import { bytesToText } from './json.ts'
import type { ForeignField } from './schema.ts'
import {
  ArrowStruct,
  type ArrowValue,
  checkSpan,
  offsetBytes,
  type Span,
  spansOf,
  type Taken,
  type Taker,
  takeValidity,
  type ValueContext,
  viewOf,
} from './taking.ts'

/** What an item costs besides its bytes, so that lists of nothing end too. */
const itemBytes = 16

/** The items of lists: of `field`'s one child. `spend` is told of them before they are made. */
function takeItems({ children }: ForeignField, context: ValueContext): () => (span: Span) => ArrowValue[] {
  if (children.length !== 1) throw new RangeError(`it has ${children.length} children`)
  const items = takeChild(children[0], context)
  return () => {
    const at = items.open()
    return ([start, end]) => {
      checkSpan(start, end, items.rows)
      context.spend(itemBytes * (end - start))
      return Array.from({ length: end - start }, (_, i) => at(start + i))
    }
  }
}

/** A column within another, with as many rows as it says that it has. */
function takeChild(field: ForeignField, context: ValueContext): { readonly rows: number; readonly open: Taken } {
  const rows = context.body.peekRows()
  return { rows, open: context.take(field, rows) }
}

export function takeLists(width: 4 | 8): Taker {
  return (field, context, rows) => {
    const validity = takeValidity(context, rows)
    const offsets = context.body.takeBuffer()
    const items = takeItems(field, context)
    return () => {
      const [isValid, itemsOf] = [validity(), items()]
      const spanAt = spansOf(offsets(offsetBytes(rows, width)), width, Number.MAX_SAFE_INTEGER)
      return row => (isValid(row) ? itemsOf(spanAt(row)) : null)
    }
  }
}

export function takeListViews(width: 4 | 8): Taker {
  return (field, context, rows) => {
    const validity = takeValidity(context, rows)
    const [offsets, sizes] = [context.body.takeBuffer(), context.body.takeBuffer()]
    const items = takeItems(field, context)
    return () => {
      const [isValid, itemsOf] = [validity(), items()]
      const [starts, lengths] = [viewOf(offsets(rows * width)), viewOf(sizes(rows * width))]
      const read = (view: DataView, row: number) =>
        width === 4 ? view.getInt32(4 * row, true) : flat.longAt(view, 8 * row)
      return row => {
        if (!isValid(row)) return null
        const start = read(starts, row)
        return itemsOf([start, start + read(lengths, row)])
      }
    }
  }
}

export function takeFixedLists(field: ForeignField, context: ValueContext, rows: number): Taken {
  const size = flat.intField(field.parameters, 0)
  if (size < 0) throw new RangeError(`its lists have ${size} items`)
  const validity = takeValidity(context, rows)
  const items = takeItems(field, context)
  return () => {
    const [isValid, itemsOf] = [validity(), items()]
    return row => (isValid(row) ? itemsOf([row * size, (row + 1) * size]) : null)
  }
}

/** Keys become names; where one comes again, which an object can't have, the pairs stay a list. */
export function takeMaps(field: ForeignField, context: ValueContext, rows: number): Taken {
  const open = takeLists(4)(field, context, rows)
  return () => {
    const at = open()
    return row => {
      const pairs = at(row) as ArrowStruct[] | null
      if (pairs === null) return null
      const named = pairs.map(({ entries }) => [nameOf(entries[0][1]), entries[1][1]] as const)
      return new Set(named.map(([name]) => name)).size === named.length ? new ArrowStruct(named) : pairs
    }
  }
}

const nameOf = (key: ArrowValue) => (key instanceof Uint8Array ? bytesToText(key) : `${key}`)

export function takeStructs(field: ForeignField, context: ValueContext, rows: number): Taken {
  const validity = takeValidity(context, rows)
  const children = field.children.map(child => ({ name: child.name, open: context.take(child, rows) }))
  return () => {
    const isValid = validity()
    const columns = children.map(({ name, open }) => ({ name, at: open() }))
    const bytes = columns.reduce((sum, { name }) => sum + name.length + itemBytes, 0)
    return row => {
      if (!isValid(row)) return null
      context.spend(bytes)
      return new ArrowStruct(columns.map(({ name, at }) => [name, at(row)] as const))
    }
  }
}

/** A union's value is that of the child whose type a row names: in a sparse one at the same row, in a dense one where it says. */
export function takeUnions(field: ForeignField, context: ValueContext, rows: number): Taken {
  const { body } = context
  body.takeNode()
  if (body.isVersion4) body.takeBuffer()
  const isDense = flat.shortField(field.parameters, 0) === 1
  const [types, offsets] = [body.takeBuffer(), isDense ? body.takeBuffer() : null]
  const children = field.children.map(child => takeChild(child, context))
  const byType = childOfType(field)
  return () => {
    const [numbers, places] = [types(rows), offsets && viewOf(offsets(4 * rows))]
    const columns = children.map(({ open }) => open())
    return row => {
      const child = byType(numbers[row])
      const place = places ? places.getInt32(4 * row, true) : row
      if (!columns[child]) throw new RangeError(`it has no child for the type ${numbers[row]}`)
      checkSpan(place, place + 1, children[child].rows)
      return columns[child](place)
    }
  }
}

function childOfType({ parameters }: ForeignField): (type: number) => number {
  const ids = flat.vectorField(parameters, 1, 4)
  if (ids.length === 0) return type => type
  const byType = new Map(Array.from({ length: ids.length }, (_, i) => [ids.view.getInt32(ids.at + 4 * i, true), i]))
  return type => byType.get(type) ?? -1
}

/** Run ends, and a value for each run. */
export function takeRuns({ children }: ForeignField, context: ValueContext): Taken {
  context.body.takeNode()
  if (children.length !== 2) throw new RangeError(`it has ${children.length} children`)
  const [ends, values] = children.map(child => takeChild(child, context))
  return () => {
    const [endAt, valueAt] = [ends.open(), values.open()]
    return row => valueAt(findRun(ends.rows, run => Number(endAt(run)) > row))
  }
}

/** The first of `runs` that holds, as all behind it do; throws where none does. */
function findRun(runs: number, holds: (run: number) => boolean): number {
  let [low, high] = [0, runs]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (holds(middle)) high = middle
    else low = middle + 1
  }
  if (low === runs) throw new RangeError('its runs end before its rows')
  return low
}
