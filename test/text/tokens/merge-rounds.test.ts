import assert from 'node:assert/strict'
import { joinByTree, type Places } from '../../../src/text/tokens/merge-tree.ts'
import { findPair, parseVocabulary, type Vocabulary } from '../../../src/text/tokens/vocabulary.ts'
import { drawFrom } from '../../random.ts'
import { examine } from '../../run/examine.ts'

const { check, mutate } = examine<typeof import('../../../src/text/tokens/merge-rounds.ts')>(
  '../text/tokens/merge-rounds.ts',
)
const fresh = Date.now() % 1e9
console.log(`seed ${fresh}`)
/** The first finds each mistake below many times over. */
const seeds = [1, fresh]

/** Single bytes, and what is drawn of few letters, so that pairs of one rank overlap and joins make pairs of lower ranks. */
function drawVocabulary(drawWord: (length: number) => number[], draw: (below: number) => number): Vocabulary {
  const tokens = new Map(Array.from({ length: 300 }, () => drawWord(2 + draw(draw(30) + 1))).map(t => [t.join(), t]))
  const all = [...Array.from({ length: 256 }, (_, byte) => [byte]), ...tokens.values()]
  return parseVocabulary(
    Buffer.from(all.map((token, rank) => `${Buffer.from(token).toString('base64')} ${rank}\n`).join('')),
  )
}

check('random vocabularies and texts: as by the tree', ({ joinInRounds }) => {
  const draws = seeds.map(seed => drawFrom(seed))
  for (let round = 0; round < 120; round++) {
    const draw = draws[round % 2]
    const letters = 2 + draw(4)
    const drawWord = (length: number) => Array.from({ length }, () => draw(letters))
    const { byteTokens, pairSlots } = drawVocabulary(drawWord, draw)
    const ids = Int32Array.from(drawWord(2 + draw(2000)), byte => byteTokens[byte])
    const ranks = ids.map((id, i) => findPair(pairSlots, id, ids[i + 1] ?? 0x3ffff))
    const join = (by: typeof joinByTree) => {
      const out = new Int32Array(ids.length)
      const places: Places = { ids: ids.slice(), ranks: ranks.slice() }
      return out.slice(0, by(pairSlots, places, ids.length, out, 0))
    }
    assert.deepEqual(join(joinInRounds), join(joinByTree))
  }
})

mutate(/random/, 'a lower rank waits for the end of its round', '|| lowest < rank', '')
mutate(/random/, 'the pair to the left is not seen', 'Math.min(lowest, left, right)', 'Math.min(lowest, right)')
mutate(/random/, 'the pair to the right is not seen', 'Math.min(lowest, left, right)', 'Math.min(lowest, left)')
