import { createHash } from 'node:crypto'
import { hashUnit } from '../text/hash.ts'
import { fitSeed, type Seed, scoreWords, weighBuckets } from '../text/likeness/seed.ts'
import { LinearScorer } from '../text/linear/model.ts'
import { Examples, type LabelledText } from './examples.ts'
import { type LearnedHead, learnHead } from './fit.ts'
import { ranksOf } from './measures.ts'

export type RoundText = Omit<LabelledText, 'target'>

/** What the models of a round are fitted on. Each is read once a pass. */
export interface RoundTexts {
  /** What the loop began with, and what it has added since. */
  given(): AsyncIterable<RoundText>
  added(): AsyncIterable<RoundText>
  background(): AsyncIterable<RoundText>
}

export interface FittedRound {
  readonly seed: Seed
  readonly learned: LearnedHead
  /** Hashes of the positives' texts. */
  readonly texts: ReadonlySet<number>
  /** Of all texts of `given` and `background`: other ones have another. */
  readonly inputs: string
  /** Background texts that were learned from, and those that were passed over: they are positives, or scored too high before. */
  readonly background: number
  readonly passedOver: number
}

/** A name for a text's bytes: 53 bits, in [0, 1). It tells texts apart, and proves nothing. */
export const nameText = (bytes: Uint8Array) => hashUnit(0, bytes)

/**
 * Fits a seed and a classifier on the same texts, each text once. Nothing is held out: what a round finds is judged instead. `left` names background
 * texts that are no negatives any more.
 */
export async function fitRound(
  name: string,
  epochs: number,
  texts: RoundTexts,
  left: ReadonlySet<number>,
): Promise<FittedRound> {
  await using examples = await Examples.open()
  const inputs = createHash('sha256')
  const [positives, others] = [new Set<number>(), new Set<number>()]
  let passedOver = 0
  async function* readSide(read: AsyncIterable<RoundText>, target: number, isGiven: boolean) {
    for await (const text of read) {
      const key = nameText(text.bytes)
      if (isGiven) inputs.update(`${target} ${key}\n`)
      const isOut = target === 1 ? positives.has(key) : positives.has(key) || left.has(key) || others.has(key)
      if (isOut) passedOver += target === 0 ? 1 : 0
      else {
        ;(target === 1 ? positives : others).add(key)
        await examples.add({ ...text, target })
        yield text.bytes
      }
    }
  }
  async function* readPositives() {
    yield* readSide(texts.given(), 1, true)
    yield* readSide(texts.added(), 1, false)
  }
  const seed = await fitSeed(readPositives(), readSide(texts.background(), 0, true), { name })
  const learned = await learnHead(examples, { name, epochs })
  return { seed, learned, texts: positives, inputs: inputs.digest('hex'), background: others.size, passedOver }
}

/** A seed, and a classifier that was fitted on the same texts. */
export interface ScoringModels {
  readonly seed: Seed
  readonly learned: Pick<LearnedHead, 'head' | 'weights'>
}

/** Scores texts by the models of a round. */
export class RoundScorer {
  readonly #weights: Float32Array
  readonly #linear: LinearScorer
  /** Of the last text. */
  seed = Number.NaN
  score = Number.NaN

  constructor({ seed, learned: { head, weights } }: ScoringModels) {
    this.#weights = weighBuckets(seed)
    this.#linear = new LinearScorer({ heads: [head], weights })
  }

  /** Whether the text (UTF-8) has any word: else it has no scores. */
  read(bytes: Uint8Array): boolean {
    if (!this.#linear.score(bytes, 0, bytes.length)) return false
    this.score = this.#linear.outputs[0]
    // Both cut words in the same way.
    this.seed = scoreWords(this.#weights, this.#linear.hashes, this.#linear.words)
    return true
  }
}

/** Names of the background texts that score best by the mean of both ranks: they are rather what is sought than what it is told apart from. */
export async function findBestBackground(
  background: AsyncIterable<RoundText>,
  scorer: RoundScorer,
  positives: ReadonlySet<number>,
  share: number,
): Promise<number[]> {
  const scored = new Map<number, readonly [seed: number, score: number]>()
  for await (const { bytes } of background) {
    const key = nameText(bytes)
    if (!positives.has(key) && scorer.read(bytes)) scored.set(key, [scorer.seed, scorer.score])
  }
  const keys = [...scored.keys()]
  const [seeds, scores] = [0, 1].map(i => ranksOf([...scored.values()].map(both => both[i])))
  const order = keys.map((_, i) => i).sort((a, b) => seeds[b] + scores[b] - seeds[a] - scores[a] || keys[a] - keys[b])
  return order.slice(0, Math.floor(share * keys.length)).map(i => keys[i])
}
