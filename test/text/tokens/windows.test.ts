import assert from 'node:assert/strict'
import { joinByTree } from '../../../src/text/tokens/merge-tree.ts'
import { NO_TOKEN, parseVocabulary, type Vocabulary } from '../../../src/text/tokens/vocabulary.ts'
import { examine } from '../../run/examine.ts'

type Module = typeof import('../../../src/text/tokens/windows.ts')
const { check, mutate } = examine<Module>('../text/tokens/windows.ts')

function makeVocabulary(longer: readonly (readonly number[])[]): Vocabulary {
  const tokens = [...Array.from({ length: 256 }, (_, byte) => [byte]), ...longer]
  const lines = tokens.map((token, rank) => `${Buffer.from(token).toString('base64')} ${rank}\n`)
  return parseVocabulary(Buffer.from(lines.join('')))
}

/**
 * Links of five bytes, each of which joins the next unless that one joined the one behind it: which do is decided at the chain's end, and a
 * window that sees less of it is right or wrong by how many links it has. Those of 48 and 96 bytes are wrong, that of 192 is right.
 */
const links = 400
const linkOf = (i: number) => [i >> 5, 32 + (i & 31), 128, 129, 130]
const chained = makeVocabulary([
  ...[2, 3, 4, 5].flatMap(bytes => Array.from({ length: links }, (_, i) => linkOf(i).slice(0, bytes))),
  ...Array.from({ length: links - 1 }, (_, i) => [...linkOf(links - 2 - i), ...linkOf(links - 1 - i)]),
])
const chain = (from: number) => Array.from({ length: links - from }, (_, i) => linkOf(from + i)).flat()
const alone = (count: number) => new Array<number>(count).fill(255)

/** The ids of all of it in one, through the tree of ranks alone. */
function mergeWhole({ byteTokens, twoBytes, pairSlots }: Vocabulary, bytes: Uint8Array): Int32Array {
  const ids = Int32Array.from(bytes, byte => byteTokens[byte])
  const ranks = Int32Array.from(bytes, (byte, i) =>
    i + 1 < bytes.length ? twoBytes[(byte << 8) | bytes[i + 1]] : NO_TOKEN,
  )
  const out = new Int32Array(bytes.length)
  return out.slice(0, joinByTree(pairSlots, { ids, ranks }, bytes.length, out, 0))
}

/** The ids window by window. More windows than a linear number fail: each looks for `pairSlots` once. */
function mergeInWindows({ mergePiece }: Module, vocabulary: Vocabulary, bytes: Uint8Array): Int32Array {
  let windows = 0
  const { pairSlots, ...others } = vocabulary
  const counted: Vocabulary = {
    ...others,
    get pairSlots() {
      assert.ok(windows++ <= 64 + bytes.length / 6, `more than ${windows - 1} windows for ${bytes.length} bytes`)
      return pairSlots
    },
  }
  const out = new Int32Array(bytes.length)
  return out.slice(0, mergePiece(counted, bytes, 0, bytes.length, out, 0))
}

check('a chain that is decided at its end', module => {
  for (const from of [0, 1, 102, 103, 250, 251])
    for (const before of [0, 1, 47, 200]) {
      const bytes = Uint8Array.from([...alone(before), ...chain(from), ...alone(300), ...chain(from + 1)])
      const ids = mergeInWindows(module, chained, bytes)
      assert.deepEqual(ids, mergeWhole(chained, bytes), `from link ${from}, ${before} bytes before`)
    }
})

const chainEnds = /decided at its end/
mutate(chainEnds, 'what a window could not decide stays', '|| out[at] === expected', '|| true')
mutate(
  chainEnds,
  'windows become narrow again',
  'expected = out[at]\n',
  'expected = out[at]\n      width = shortBytesMax\n',
)
mutate(chainEnds, 'windows stay narrow', 'width *= 2', '')
mutate(chainEnds, 'it does not go back', 'at > first && from > back', 'false')
