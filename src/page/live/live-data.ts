import type { StageStanding } from '../../watch/judge-stages.ts'
import type { DomainPace, Pace, StagePace } from '../../watch/pace.ts'

// What a live page is told: types alone, as its script is checked against them.

export interface LiveStage extends StagePace {
  readonly standing: StageStanding
}

/** How a run goes, each second. Names are as documents and rules have them. */
export interface LiveData {
  /** Seconds since 1970. */
  readonly at: number
  readonly run: string
  readonly state: Pace['state']
  /** Why it is so, or why the last look failed; null where nothing is to be said. */
  readonly why: string | null
  /** For how long its process is at work. */
  readonly seconds: number | null
  readonly stages: readonly LiveStage[]
  /** Slots that the first stage may be ahead of the slowest. */
  readonly leadSlotsMax: number
  readonly documents: number | null
  readonly kept: number
  readonly dropped: number
  readonly dead: number
  readonly bytesPerSecond: number | null
  readonly documentsPerSecond: number | null
  readonly readBytes: number | null
  readonly inputBytes: number | null
  readonly tokens: number | null
  readonly steps: number | null
  readonly trainer: Pace['look']['slowest']
  readonly cores: number | null
  readonly memoryBytes: number | null
  readonly tableBytes: number | null
  readonly tableBytesMax: number
  readonly diskBytes: number | null
  readonly freeBytes: number | null
  /** The first slot that is kept whole; 0 where none was trimmed. */
  readonly first: number
  /** Seconds, and documents, that `recent` of domains and shifts of reasons are of. */
  readonly recentSeconds: number | null
  readonly recentDocuments: number
  readonly domains: readonly DomainPace[]
  readonly domainsLeft: number
  readonly reasons: readonly { readonly reason: string; readonly count: number }[]
  readonly reasonsLeft: number
  readonly rising: Pace['rising']
  readonly falling: Pace['falling']
  /** What a guard rail holds, with the command that lets it pass. */
  readonly hold: { readonly slot: number; readonly trips: readonly string[]; readonly command: string } | null
}

/** What a live page is given when it is made. */
export interface LiveSetup {
  readonly run: string
  /** Whether documents may be read here. */
  readonly hasDocuments: boolean
  /** Whether a report of the run is at `report`. */
  readonly hasReport: boolean
}
