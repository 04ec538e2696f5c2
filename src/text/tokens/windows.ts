import { type Merge, mergeBytes, shortBytesMax } from './merge.ts'

/**
 * A long piece is merged window by window, so that each merge looks at few places and stays in the processor's cache. The ids are
 * exactly those of the whole piece:
 *
 * - No merge ever crosses a border between two tokens of the result. So the bytes on each side, merged alone, give the same tokens: where
 *   the result's tokens are ... t, u ..., those up to t are the result of the bytes up to there, and t, u that of their own bytes.
 * - Left of a border, what the last token was at any time depends on its own bytes alone, and so does the first token to the right.
 *   Whether a merge ever crosses is thus decided by these two: if t, u is the result of their bytes, then whatever ends with t and
 *   whatever begins with u can be put together.
 *
 * So of each window the last tokens, which might be others if it saw more, are left to the next, which begins at a border. Where that
 * window's first token is the same there, the pair at the border is one that the window before had; otherwise we go back, and look further.
 *
 * It ends, and looks at a linear number of windows: two steps forward in a row go over three quarters of a window at least, since what
 * the first could not keep is kept by the second. Each step back, or wait for a long token, doubles the width, which never becomes less; so
 * there are log2 of them, that go back over less than twice the piece in all, until one window is the whole piece.
 */

export const mergePiece: Merge = (vocabulary, bytes, start, end, out, at) => {
  if (end - start <= shortBytesMax) return mergeBytes(vocabulary, bytes, start, end, out, at)
  const { offsets } = vocabulary
  const lengthAt = (place: number) => offsets[out[place] + 1] - offsets[out[place]]
  const first = at
  let from = start
  let width = shortBytesMax
  // The token at `from` in the window before.
  let expected = -1
  for (;;) {
    const to = Math.min(from + width, end)
    const stop = mergeBytes(vocabulary, bytes, from, to, out, at)
    const isExpected = expected < 0 || out[at] === expected
    if (isExpected && to === end) return stop
    const keepUntil = from + width - (width >> 2)
    if (isExpected && from + lengthAt(at) <= keepUntil) {
      while (from + lengthAt(at) <= keepUntil) from += lengthAt(at++)
      expected = out[at]
      continue
    }
    if (!isExpected) {
      for (const back = from - width; at > first && from > back; ) from -= lengthAt(--at)
      expected = at > first ? out[at] : -1
    }
    width *= 2
  }
}
