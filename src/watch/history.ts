import { limits } from '../limits.ts'
import type { Pace } from './pace.ts'

/** What a live page draws over time. Each point has a number, or null, for the time (seconds since 1970) and each of these. */
export const historySeries = [
  'megabytesPerSecond',
  'documentsPerSecond',
  'keptShare',
  'memoryBytes',
  'tableBytes',
] as const

interface Point {
  readonly row: readonly (number | null)[]
  readonly lags: ReadonlyMap<string, number | null>
}

export interface History {
  /** `historySeries`, and `lag:STAGE` for each stage. */
  readonly names: readonly string[]
  readonly points: readonly (readonly (number | null)[])[]
}

/** The last points of a run's figures. */
export class HistoryOfRun {
  #stages: readonly string[] = []
  readonly #points: Point[] = []

  /** Adds how a run goes; `seconds` since 1970. */
  add(pace: Pace, seconds: number): void {
    const { look, bytesPerSecond, documentsPerSecond, stages, recentDocuments, recentKept } = pace
    this.#stages = stages.map(({ stage }) => stage)
    const row = [
      Math.round(seconds * 1000) / 1000,
      roundTo(bytesPerSecond === null ? null : bytesPerSecond / 1e6),
      roundTo(documentsPerSecond),
      roundTo(recentDocuments > 0 ? recentKept / recentDocuments : null),
      look.memoryBytes,
      look.tableBytes,
    ]
    this.#points.push({ row, lags: new Map(stages.map(({ stage, lag }) => [stage, lag])) })
    if (this.#points.length > limits.historyPointsMax) this.#points.shift()
  }

  last(): History {
    return this.#of(this.#points.slice(-1))
  }

  all(): History {
    return this.#of(this.#points)
  }

  #of(points: readonly Point[]): History {
    return {
      names: [...historySeries, ...this.#stages.map(stage => `lag:${stage}`)],
      points: points.map(({ row, lags }) => [...row, ...this.#stages.map(stage => lags.get(stage) ?? null)]),
    }
  }
}

const roundTo = (value: number | null) => (value === null ? null : Number(value.toPrecision(4)))
