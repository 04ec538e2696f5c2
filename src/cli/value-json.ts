import { basename } from 'node:path'
import type { RunReader } from '../record/run-reader.ts'
import { isRedundant } from '../value/correlations.ts'
import type { Cut, SurveyedColumn, ValueOrder, ValueSurvey } from '../value/survey.ts'
import { distanceOf, type Kept, sumKept } from '../value/thresholds.ts'

/** Percentiles that are shown. */
export const shownPoints = [1, 10, 50, 90, 99] as const

export const nameCut = (cut: Cut): string => ('percentile' in cut ? `p${cut.percentile}` : String(cut.value))

/** What all groups of a column are together: as it is, and at each cut. */
export const totalsOf = ({ domains, cuts }: SurveyedColumn): Kept[] => sumKept(domains.values(), cuts.length + 1)

/** The survey as one JSON value. Counts by names that come from documents are lists, the most tokens first. */
export function surveyJson({ dir }: RunReader, { hasDropped }: ValueOrder, survey: ValueSurvey) {
  const { decided, documents, columns, correlations, others } = survey
  const [first] = columns
  return {
    run: basename(dir),
    slots: [decided.from, decided.to],
    ended: decided.isEnded,
    of: hasDropped ? 'all' : 'kept',
    ...roundTokens(totalsOf(first)[0]),
    documents,
    domains: groupsJson(first.domains, 0),
    languages: groupsJson(first.languages, 0),
    columns: columns.map(columnJson),
    others,
    correlations,
    redundant: correlations.filter(isRedundant).map(({ columns }) => columns),
  }
}

function columnJson(surveyed: SurveyedColumn) {
  const { column, documents, unmeasured, spread, isLower, cuts, domains, languages } = surveyed
  const totals = totalsOf(surveyed)
  return {
    column,
    documents,
    unmeasured,
    percentiles: spread && shownPoints.map(point => [point, spread.percentiles.points[point]]),
    keeps: isLower ? 'at or below' : 'at or above',
    histogram: spread?.histogram ?? null,
    thresholds: cuts.map(({ cut, value }, i) => ({
      at: nameCut(cut),
      value,
      ...roundTokens(totals[i + 1]),
      moved: distanceOf(domains.values(), i + 1),
      domains: groupsJson(domains, i + 1),
      languages: groupsJson(languages, i + 1),
    })),
  }
}

function groupsJson(groups: ReadonlyMap<string, readonly Kept[]>, at: number) {
  const all = [...groups.values()].reduce((sum, kept) => sum + kept[at].tokens, 0)
  return [...groups].map(([name, kept]) => ({
    name,
    ...roundTokens(kept[at]),
    share: all > 0 ? kept[at].tokens / all : 0,
  }))
}

/** Tokens that are estimated are no whole numbers. */
function roundTokens({ documents, tokens, tokensEstimated }: Kept): Kept {
  return { documents, tokens: Math.round(tokens), tokensEstimated: Math.round(tokensEstimated) }
}
