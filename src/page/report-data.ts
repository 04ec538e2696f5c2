import type { Rule } from '../annotate/annotator.ts'
import type { RecordedStep } from '../record/reasons.ts'
import type { Bar } from './charts.ts'

// What a report's page is given: types alone, as its script is checked against them.

/** The rules of the slots from one on, and what their deciders drop for. */
export interface ReportPart {
  readonly steps: readonly RecordedStep[]
  readonly rules: readonly Rule[]
  readonly deciderReasons: readonly string[]
}

/** A column of rows: its values as base64 of little-endian numbers; of names, numbers into `names`. */
export type PackedColumn =
  | { readonly name: string; readonly kind: NumberKind; readonly data: string }
  | { readonly name: string; readonly kind: 'utf8'; readonly names: readonly string[]; readonly data: string }
export type NumberKind = 'u8' | 'i32' | 'u32' | 'f32' | 'f64'

/** Rows in the order of slots and rows: all of a run, or some of each reason. */
export interface PackedRows {
  readonly count: number
  /** Rows that these are of, dead records not among them. */
  readonly of: number
  /** For each reason how many rows one of them stands for. */
  readonly weights: readonly number[]
  /** Numbers into `reasons`, `parts`, `domains` and `languages`. */
  readonly reason: string
  readonly part: string
  readonly domain: string
  readonly language: string
  readonly bytes: string
  /** -1 where they are not known. */
  readonly tokens: string
  readonly columns: readonly PackedColumn[]
}

export interface ReportData {
  readonly run: string
  /** The first is empty: what is kept. */
  readonly reasons: readonly string[]
  readonly domains: readonly string[]
  readonly languages: readonly string[]
  /** Tokens a byte of each language; null where nothing tells. */
  readonly rates: readonly (number | null)[]
  /** Null where the run does not say what decided it. */
  readonly parts: readonly ReportPart[] | null
  readonly rows: PackedRows
  /** Columns that say what a text is worth, of those that rows have. */
  readonly valueColumns: readonly string[]
  readonly documents: readonly ShownDocument[]
  /** Names of `values` of documents. */
  readonly measures: readonly string[]
  /** Documents that are left after each stage. */
  readonly funnel: readonly Bar[]
  readonly mixture: Mixture | null
  readonly drift: Drift
}

/** Tokens of each domain in the steps from one to before another; the last domain may be all others. */
export interface Mixture {
  readonly names: readonly string[]
  readonly points: readonly { readonly step: number; readonly tokens: readonly number[] }[]
  readonly stepsOfPoint: number
}

/** Kept share of the slots from one on. */
export interface Drift {
  readonly points: readonly { readonly slot: number; readonly documents: number; readonly kept: number }[]
  readonly slotsOfPoint: number
}

/** A part of a text, with stretches of it that are marked. */
export interface Excerpt {
  readonly text: string
  /** Characters before it, and of the whole. */
  readonly from: number
  readonly length: number
  readonly marks: readonly (readonly [from: number, to: number])[]
}

export interface ShownDocument {
  readonly fate: 'kept' | 'dropped' | 'dead'
  /** Empty for a kept one. */
  readonly reason: string
  readonly id: string
  readonly domain: string
  readonly language: string
  readonly place: string
  readonly slot: number
  readonly row: number
  /** What decided, or what was wrong with a dead record. */
  readonly evidence: number | string | null
  /** Null where it is not stored, with `noText` saying why. */
  readonly text: Excerpt | null
  readonly noText: string
  /** The kept document that it repeats; null where there is none. */
  readonly partner: { readonly title: string; readonly text: Excerpt | null } | null
  /** Of each of `measures`; null where it was not measured. */
  readonly values: readonly (number | string | null)[]
  /** Rules that it breaks, as far as it was measured: the first is the one that drops. */
  readonly broken: readonly string[]
}
