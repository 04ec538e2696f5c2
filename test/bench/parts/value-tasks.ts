import { draw, junk, type Sample } from './value-corpus.ts'

/** What a value model is to tell apart, of documents of packages that it did not see. */
export interface Task {
  readonly name: string
  readonly positives: readonly Sample[]
  readonly negatives: readonly Sample[]
  readonly test: readonly Sample[]
  readonly isPositive: readonly boolean[]
}

const prose = ['en-books', 'en-forum', 'junk-spam', 'junk-navpage', 'junk-list']
const clean = ['en-techlit', 'en-webpages', 'en-books', 'en-forum', 'en-news', 'en-qa', 'math']

export function makeTasks(samples: readonly Sample[]): Task[] {
  return [
    bySource('T1b technical against prose', samples, ['en-techlit', 'en-webpages'], [...prose, 'en-news']),
    bySource('T1c text against junk', samples, clean, junk),
    bySource('T4 Chinese technical and web against books', samples, ['zh-techlit', 'zh-webpages'], ['zh-books']),
    bySource('T4b Chinese technical against web', samples, ['zh-techlit'], ['zh-webpages']),
  ]
}

function bySource(
  name: string,
  samples: readonly Sample[],
  positive: readonly string[],
  negative: readonly string[],
): Task {
  const of = (sources: readonly string[], isHeld: boolean) =>
    samples.filter(sample => sample.isHeld === isHeld && sources.includes(sample.source))
  const [found, others] = [of(positive, true), of(negative, true)]
  return {
    name,
    positives: of(positive, false),
    negatives: of(negative, false),
    test: [...found, ...others],
    isPositive: [...found.map(() => true), ...others.map(() => false)],
  }
}

/**
 * Recall of mathematics: so many pages of one manual as the positives, 6,000 documents of all as the negatives, and the mathematics of other
 * packages to be found among all English documents that are held out.
 */
export function makeRecall(samples: readonly Sample[], pages: number): Task {
  const english = samples.filter(({ source }) => !source.startsWith('zh-'))
  const [seen, test] = [english.filter(({ isHeld }) => !isHeld), english.filter(({ isHeld }) => isHeld)]
  const manual = seen.filter(({ source, group }) => source === 'math' && group === 'sagemath-doc')
  const positives = draw(manual, pages)
  const own = new Set(positives)
  return {
    name: `T2 recall of mathematics, ${pages} pages`,
    positives,
    negatives: draw(seen, 6000).filter(sample => !own.has(sample)),
    test,
    isPositive: test.map(({ source }) => source === 'math'),
  }
}
