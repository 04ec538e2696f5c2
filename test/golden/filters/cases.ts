import { readFileSync } from 'node:fs'
import { decide, reasons } from '../../bench/compare-datatrove.ts'

export interface Case {
  readonly name: string
  readonly text: string
  /** The answers of datatrove's filters, in its words. */
  readonly datatrove: Readonly<Record<string, string | null>>
}

export const cases: readonly Case[] = readFileSync(new URL('cases.jsonl', import.meta.url), 'utf8')
  .split('\n')
  .filter(Boolean)
  .map(line => JSON.parse(line))

/** Ours and datatrove's answers to every case, as `case name: reason`, ours for ours. */
export async function answer(filter: string): Promise<{ ours: string[]; datatrove: string[] }> {
  const decisions = await decide(cases.map(({ text }) => text))
  return {
    ours: cases.map(({ name }, row) => `${name}: ${decisions[row][filter]}`),
    datatrove: cases.map(({ name, datatrove }) => {
      const reason = datatrove[filter]
      return `${name}: ${reason && (reasons[reason] ?? reason)}`
    }),
  }
}
