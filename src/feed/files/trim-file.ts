import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { canonicalJson } from '../../canonical-json.ts'
import type { OnEffect } from '../../disk/durable-file.ts'
import { isMissing, readText } from '../../disk/files.ts'
import { isCount, isListOf, isObjectOf, isOneOf, isText, isTupleOf, writeJson } from '../../disk/json-file.ts'
import { HeadraceError } from '../../errors.ts'

/** Who let go of what steps before `step` alone need, when and why. */
export interface Trim {
  readonly step: number
  /** `user@host`. */
  readonly who: string
  /** ISO 8601. */
  readonly at: string
  /** What a person says of it; empty where nobody said anything. */
  readonly note: string
  /** The oldest checkpoint of each trainer then, as its step. */
  readonly trainers: readonly (readonly [name: string, oldest: number])[]
}

/**
 * `trimmed.json` of a feed: the files of blocks that were let go, as paths from its folder, and each time that some were, the last one last.
 * It lasts before the first of them is gone, so that a file that is missing and stands here is not damage.
 */
export interface TrimFile {
  readonly version: 1
  readonly blocks: readonly string[]
  readonly trims: readonly Trim[]
}

const trimName = 'trimmed.json'

const isTrim = isObjectOf({
  step: isCount,
  who: isText,
  at: isText,
  note: isText,
  trainers: isListOf(isTupleOf(isText, isCount)),
})
const isTrimFile = isObjectOf({
  version: isOneOf(1),
  blocks: isListOf(isText),
  trims: value => isListOf(isTrim)(value) && (value as unknown[]).length > 0,
})

/** What was let go of a feed, or null. Throws `corrupt`. */
export async function readTrim(dir: string): Promise<TrimFile | null> {
  const text = await readText(join(dir, trimName))
  return text === null ? null : parseTrim(dir, text)
}

/** The same without giving way, for who has just missed a file. */
export function readTrimNow(dir: string): TrimFile | null {
  try {
    return parseTrim(dir, readFileSync(join(dir, trimName), 'utf8'))
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

function parseTrim(dir: string, text: string): TrimFile {
  try {
    const file: unknown = JSON.parse(text)
    if (isTrimFile(file)) return file as TrimFile
  } catch {}
  throw new HeadraceError('corrupt', `${join(dir, trimName)} does not say what was let go: restore it from a copy`)
}

export async function writeTrim(dir: string, file: TrimFile, onEffect?: OnEffect): Promise<void> {
  await writeJson(join(dir, trimName), file, onEffect)
}

/** The first step of which all is there. */
export const trimmedStep = (file: TrimFile | null): number => file?.trims.at(-1)?.step ?? 0

/** Adds a trim. The same again, that a stopped process has written, is not added twice. */
export function withTrim(file: TrimFile | null, blocks: readonly string[], trim: Trim): TrimFile {
  const { blocks: known = [], trims = [] } = file ?? {}
  const all = [...new Set([...known, ...blocks])].sort()
  const isSame = all.length === known.length && trims.at(-1)?.step === trim.step
  if (file && isSame && canonicalJson(known) === canonicalJson(all)) return file
  return { version: 1, blocks: all, trims: [...trims, trim] }
}

/** When, by whom and why a feed was trimmed, and from where on it can be read. */
export function describeTrim(dir: string, file: TrimFile): string {
  const { step, who, at, note, trainers } = file.trims.at(-1)!
  const oldest = trainers.length > 0 ? 'no trainer kept an older checkpoint' : 'no trainer had reported a checkpoint'
  return `the feed in ${dir} was trimmed by ${who} on ${at} (${note || oldest}): it can be read from step ${step} on; beside its run, headrace trim --restore makes the rest again`
}
