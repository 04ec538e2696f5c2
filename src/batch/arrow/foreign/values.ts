import { locateInColumn } from './errors.ts'
import * as nested from './nested.ts'
import { checkedInt, integers, scalarTakers } from './scalars.ts'
import type { ForeignField, TypeName } from './schema.ts'
import { takeStrings, takeViews } from './strings.ts'
import { type Taken, type Taker, taking, type ValueAt, type ValueContext } from './taking.ts'

const takers: Readonly<Record<TypeName, Taker>> = {
  ...scalarTakers,
  utf8: takeStrings(4),
  binary: takeStrings(4),
  large_utf8: takeStrings(8),
  large_binary: takeStrings(8),
  utf8_view: takeViews,
  binary_view: takeViews,
  list: nested.takeLists(4),
  large_list: nested.takeLists(8),
  list_view: nested.takeListViews(4),
  large_list_view: nested.takeListViews(8),
  map: nested.takeMaps,
  fixed_size_list: nested.takeFixedLists,
  struct: nested.takeStructs,
  union: nested.takeUnions,
  run_end_encoded: nested.takeRuns,
}

/** Takes a column's nodes and buffers, which its successors need to be gone; what it gives decodes them when they are wanted. */
export function takeColumn(field: ForeignField, context: ValueContext, rows: number): () => ValueAt {
  const located = <T>(read: () => T): T => {
    try {
      return read()
    } catch (error) {
      throw locateInColumn(error, field.path, field.type)
    }
  }
  const open = located(() => (field.dictionary ? takeIndexes(field, context, rows) : takePlain(field, context, rows)))
  return () => {
    const at = located(open)
    return row => {
      try {
        return at(row)
      } catch (error) {
        throw locateInColumn(error, field.path, field.type)
      }
    }
  }
}

function takePlain(field: ForeignField, context: ValueContext, rows: number): Taken {
  return takers[field.type](field, context, rows)
}

/** A column of indexes into a dictionary. */
function takeIndexes(field: ForeignField, context: ValueContext, rows: number): Taken {
  const { id, index } = field.dictionary!
  const type = checkedInt(index)
  const indexes = taking(
    () => type.bits,
    () => integers(type),
  )(field, context, rows)
  return () => {
    const at = indexes()
    return row => {
      const found = at(row)
      return found === null ? null : context.dictionary(id, Number(found))
    }
  }
}
