import type { ForeignField } from './schema.ts'
import {
  checkSpan,
  offsetBytes,
  spansOf,
  type Taken,
  type Taker,
  takeValidity,
  type ValueContext,
  viewOf,
} from './taking.ts'

export function takeStrings(width: 4 | 8): Taker {
  return (_field, context, rows) => {
    const validity = takeValidity(context, rows)
    const [offsets, values] = [context.body.takeBuffer(), context.body.takeBuffer()]
    return () => {
      const [isValid, bytes] = [validity(), values(0)]
      const spanAt = spansOf(offsets(offsetBytes(rows, width)), width, bytes.length)
      return row => {
        if (!isValid(row)) return null
        const [start, end] = spanAt(row)
        context.spend(end - start)
        return bytes.subarray(start, end)
      }
    }
  }
}

/** A view is 16 bytes: a length and up to 12 bytes of its own, or 4 of them, the number of a buffer and where it begins there. */
export function takeViews(_field: ForeignField, context: ValueContext, rows: number): Taken {
  const validity = takeValidity(context, rows)
  const [views, buffers] = [context.body.takeBuffer(), context.body.takeVariadic()]
  return () => {
    const [isValid, bytes] = [validity(), views(16 * rows)]
    const view = viewOf(bytes)
    return row => {
      if (!isValid(row)) return null
      const length = view.getInt32(16 * row, true)
      if (length >= 0 && length <= 12) return bytes.subarray(16 * row + 4, 16 * row + 4 + length)
      const [buffer, start] = [buffers[view.getInt32(16 * row + 8, true)], view.getInt32(16 * row + 12, true)]
      if (!buffer) throw new RangeError('a value lies in a buffer that is not there')
      const values = buffer(0)
      const span = checkSpan(start, start + length, values.length)
      context.spend(length)
      return values.subarray(...span)
    }
  }
}
