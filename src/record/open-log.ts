import { join } from 'node:path'
import { JournalLog } from '../log/journal/journal-log.ts'
import type { Log, Topics } from '../log/log.ts'
import { type LogPlace, openKafkaAt, openLogAt } from '../log/place.ts'
import type { StoredText } from '../pipeline/pipeline.ts'
import { findNamed } from './base.ts'
import { type BaseLog, JoinedLog } from './joined-log.ts'
import { hasTextTopic, leavesTexts, type RunShape, topicShapes, topics } from './layout.ts'
import type { RunName } from './run-file.ts'
import { textFiles } from './text-files.ts'
import { TextLog } from './text-log.ts'
import { stageWaitMs, TextTopic } from './text-topic.ts'

/** Where a run's log is, and of a replay the run whose rows it refers to. */
export interface LogOrigin extends LogPlace {
  readonly spread?: boolean
  /** Default 1. */
  readonly partitions?: number
  readonly base?: RunName
  readonly storedText?: StoredText
}

/** Says where the log of the run in `dir` is, of which its file, `recorded`, may be somebody else's word. */
export type ChoosePlace = (dir: string, recorded: LogPlace) => Promise<LogPlace>

/** Where the run's file says. */
export const takePlace: ChoosePlace = async (_, recorded) => recorded

/** Opens a run's log to read. `choosePlace` is asked for the one of the run that a replay refers to. */
export async function openLogToRead(dir: string, origin: LogOrigin, choosePlace = takePlace): Promise<Log> {
  const own = await openLogAt(dir, origin, kafkaRunOf(origin))
  return withTexts(dir, origin, await withBase(dir, origin, own, choosePlace), 0)
}

/** The log with the texts that stand apart from their slots; `waitMs`: how long those of a slot are waited for that is there. */
export function withTexts<L extends Log & Partial<Topics>>(
  dir: string,
  origin: LogOrigin,
  log: L,
  waitMs = stageWaitMs,
) {
  if (!leavesTexts(origin)) return log
  const { partitions = 1 } = origin
  const open = (partition: number) =>
    hasTextTopic(origin) ? new TextTopic(log, partition, partitions, waitMs) : textFiles(dir)
  return new TextLog(log, open)
}

/** The log as a replay's readers see it, or as it is. */
async function withBase<L extends Log>(
  dir: string,
  { base }: LogOrigin,
  log: L,
  choosePlace = takePlace,
): Promise<L | JoinedLog> {
  if (!base) return log
  try {
    return new JoinedLog(log, await openBase(dir, base, choosePlace))
  } catch (error) {
    await log[Symbol.asyncDispose]()
    throw error
  }
}

/** Opens the log of the run that the one in `dir` refers to, which has its entries as they stay: without texts that it does not store. */
export async function openBase(dir: string, base: RunName, choosePlace = takePlace): Promise<BaseLog> {
  const { dir: place, run } = await findNamed(dir, base)
  const { storedText, ...origin } = { ...run, ...(await choosePlace(place, run)) }
  return { log: await openLogToRead(place, origin, choosePlace), partitions: run.partitions }
}

/** Opens a run's log to write; on Kafka its topics are created, or refused where they are otherwise. */
export async function openLogToWrite(
  dir: string,
  place: LogOrigin,
  shape: RunShape,
  checkOwner: () => void,
  note: (text: string) => void = () => {},
): Promise<Log & Topics> {
  if (place.log === null)
    return withTexts(
      dir,
      place,
      await withBase(dir, place, new JournalLog(join(dir, 'log'), { writable: true, checkOwner })),
    )
  const log = await openKafka(dir, { ...place, ...shape })
  try {
    await prepareTopics(log, { ...shape, textTopic: hasTextTopic(place) }, note)
  } catch (error) {
    await log[Symbol.asyncDispose]()
    throw error
  }
  return withTexts(dir, place, await withBase(dir, place, log))
}

/** Makes sure of a run's topics, and notes what they are not safe from. */
export async function prepareTopics(
  log: Awaited<ReturnType<typeof openKafka>>,
  shape: RunShape,
  note: (text: string) => void = () => {},
): Promise<void> {
  await log.ensureTopics(topicShapes(shape))
  const risk = await log.findRisk(topicShapes(shape))
  if (risk) note(risk)
}

/** Connects to a run's brokers. Its topics are named by the run's folder. */
export function openKafka(dir: string, place: LogPlace & { readonly spread?: boolean }) {
  return openKafkaAt(dir, place, kafkaRunOf(place))
}

function kafkaRunOf({ spread }: { readonly spread?: boolean }) {
  // The topic that each stage reads, so that Kafka's own tools show its lag.
  const inputs = { ...(spread && { annotate: topics.raw }), decide: topics.scored, shard: topics.kept }
  return { inputs, spread: spread ? ['annotate'] : [] }
}
