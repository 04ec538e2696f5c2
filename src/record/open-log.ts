import { join } from 'node:path'
import { JournalLog } from '../log/journal/journal-log.ts'
import type { Log, Topics } from '../log/log.ts'
import { type LogPlace, openKafkaAt, openLogAt } from '../log/place.ts'
import { type RunShape, topicShapes, topics } from './layout.ts'

/** Opens a run's log to read. */
export async function openLogToRead(dir: string, place: LogPlace & { readonly spread?: boolean }): Promise<Log> {
  return openLogAt(dir, place, kafkaRunOf(place))
}

/** Opens a run's log to write; on Kafka its topics are created, or refused where they are otherwise. */
export async function openLogToWrite(
  dir: string,
  place: LogPlace,
  shape: RunShape,
  checkOwner: () => void,
  note: (text: string) => void = () => {},
): Promise<Log & Topics> {
  if (place.log === null) return new JournalLog(join(dir, 'log'), { writable: true, checkOwner })
  const log = await openKafka(dir, { ...place, ...shape })
  try {
    await prepareTopics(log, shape, note)
    return log
  } catch (error) {
    await log[Symbol.asyncDispose]()
    throw error
  }
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
