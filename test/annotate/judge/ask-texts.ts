import { type Asking, Judge } from '../../../src/annotate/judge/ask.ts'
import { parseRubric } from '../../../src/annotate/judge/rubric.ts'

// A process that judges `count` texts and says which of them it has answers on. The tests kill it.

export const terms = {
  rubric: parseRubric('# edu\nJudge.\n## score: 0 to 5\nHow good.\n', 'edu.md'),
  model: 'm',
  charactersMax: 100,
  answerTokensMax: 8,
}

export interface Orders {
  readonly dir: string
  readonly url: string
  readonly requests: number
  readonly count: number
}

/** Opens the judge of these orders. */
export function openJudge({ dir, url, requests }: Orders): Promise<Judge> {
  const asking: Asking = {
    endpoint: { url: new URL(url), key: null, timeoutMs: 20_000 },
    budget: { requests, tokens: 1e9 },
    concurrency: 4,
    triesMax: 3,
    invalidMax: 2,
    documentMs: 20_000,
    pauseMs: 1,
  }
  return Judge.open(dir, terms, asking)
}

if (process.argv[1] === import.meta.filename) {
  const orders: Orders = JSON.parse(process.argv[2])
  const judge = await openJudge(orders)
  const all = Array.from({ length: orders.count }, async (_, i) => {
    const { values } = await judge.judge(`text ${i}`)
    if (values) process.stdout.write(`text ${i}\n`)
  })
  await Promise.all(all)
}
