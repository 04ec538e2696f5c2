import type { Annotator } from '../annotate/annotator.ts'
import { classifier, readClassifier } from '../annotate/classifier.ts'
import { seedSimilarity } from '../annotate/seed-similarity.ts'
import { HeadraceError } from '../errors.ts'
import { refuseName } from '../options.ts'
import type { ScorerFile } from '../record/recalled.ts'

/** A seed or a head of a classifier that scores documents: more is better. */
export interface Scorer {
  readonly name: string
  /** The column of scores that it writes, NaN for a text without words. */
  readonly column: string
  /** What writes it, and maybe others. It reads `text` alone. */
  readonly annotator: Annotator
}

/** Opens a model's file. Throws `not-found` or `corrupt`, and `bad-option` where it has no such head or one that gives no score. */
export function openScorer({ kind, file, head }: ScorerFile): Scorer {
  if (kind === 'seed') {
    const annotator = seedSimilarity({ seed: file })
    const [{ name: column }] = annotator.writes
    return { name: column.slice(column.indexOf(':') + 1), column, annotator }
  }
  const { heads } = readClassifier(file).model
  const found = findHead(file, heads, head)
  if (found.kind === 'class')
    throw new HeadraceError(
      'bad-option',
      `the head '${found.name}' of ${file} tells ${found.classes.length} classes apart and gives no score: recall by a head that has one`,
    )
  return { name: found.name, column: `class:${found.name}`, annotator: classifier({ model: file }) }
}

type Head = ReturnType<typeof readClassifier>['model']['heads'][number]

function findHead(file: string, heads: readonly Head[], wanted: string | null): Head {
  const names = heads.map(({ name }) => name)
  if (wanted === null && heads.length === 1) return heads[0]
  if (wanted === null)
    throw new HeadraceError('bad-option', `${file} has the heads ${names.join(', ')}: name one with --head`)
  const found = heads.find(({ name }) => name === wanted)
  if (found) return found
  throw new HeadraceError('bad-option', refuseName(`${file} has no head`, wanted, names))
}
