import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import process from 'node:process'
import { HeadraceError } from '../errors.ts'
import { JournalLog } from '../log/journal.ts'
import type { Log } from '../log/log.ts'
import { type RunShape, topics } from './context.ts'

/** Where a run's log is, as `run.json` keeps it. */
export interface LogPlace {
  /** `kafka://HOST:PORT[,HOST:PORT]`, or null for the one in the run's folder. */
  readonly log: string | null
  /** A file of Kafka's client properties (`--log-config`), or null. Passwords stand there or in the environment. */
  readonly logConfig: string | null
}

/** Opens a run's log to read. */
export async function openLogToRead(dir: string, place: LogPlace): Promise<Log> {
  return place.log === null ? new JournalLog(join(dir, 'log'), { writable: false }) : openKafka(dir, place)
}

/** Opens a run's log to write; on Kafka its topics are created, or refused where they are otherwise. */
export async function openLogToWrite(
  dir: string,
  place: LogPlace,
  { partitions }: RunShape,
  checkOwner: () => void,
): Promise<Log> {
  if (place.log === null) return new JournalLog(join(dir, 'log'), { writable: true, checkOwner })
  const log = await openKafka(dir, place)
  try {
    await log.ensureTopics(topicShapes(partitions))
    return log
  } catch (error) {
    await log[Symbol.asyncDispose]()
    throw error
  }
}

/** The topics of a run: those of slots are cut into its partitions, the others have one. */
export function topicShapes(partitions: number): { topic: string; partitions: number }[] {
  const cut: readonly string[] = [topics.scored, topics.kept]
  return Object.values(topics).map(topic => ({ topic, partitions: cut.includes(topic) ? partitions : 1 }))
}

/** Connects to the run's brokers. Its topics are named by the run's folder. */
export async function openKafka(dir: string, { log, logConfig }: LogPlace) {
  const { KafkaLog, parseKafkaOptions, parseProperties } = await import('../log/kafka.ts')
  const options = parseKafkaOptions(log!, logConfig ? parseProperties(await readConfig(logConfig)) : {}, process.env)
  // The topic that each stage reads, so that Kafka's own tools show its lag.
  const inputs = { decide: topics.scored, shard: topics.kept }
  return KafkaLog.open(options, { run: basename(dir), inputs })
}

async function readConfig(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(error => {
    throw new HeadraceError('not-found', `--log-config ${path} can't be read (${error.code})`, error)
  })
}
