import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import process from 'node:process'
import { HeadraceError } from '../errors.ts'
import { JournalLog } from './journal/journal-log.ts'
import type { KafkaLog, KafkaRun } from './kafka/kafka-log.ts'
import type { Log } from './log.ts'

/** Where a run's log is, as `run.json` keeps it. */
export interface LogPlace {
  /** `kafka://HOST:PORT[,HOST:PORT]`, or null for the one in the run's folder. */
  readonly log: string | null
  /** A file of Kafka's client properties (`--log-config`), or null. Passwords stand there or in the environment. */
  readonly logConfig: string | null
}

/** Opens the log of the run in `dir`. What `run` says is Kafka's alone; its topics are named by the folder. */
export async function openLogAt(dir: string, place: LogPlace, run: Omit<KafkaRun, 'run'>): Promise<Log> {
  return place.log === null ? new JournalLog(join(dir, 'log'), { writable: false }) : openKafkaAt(dir, place, run)
}

/** The same on Kafka. */
export async function openKafkaAt(
  dir: string,
  { log, logConfig }: LogPlace,
  run: Omit<KafkaRun, 'run'>,
): Promise<KafkaLog> {
  const { KafkaLog, parseKafkaOptions, parseProperties } = await import('./kafka/kafka-log.ts')
  const options = parseKafkaOptions(log!, logConfig ? parseProperties(await readConfig(logConfig)) : {}, process.env)
  return KafkaLog.open(options, { ...run, run: basename(dir) })
}

async function readConfig(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(error => {
    throw new HeadraceError('not-found', `--log-config ${path} can't be read (${error.code})`, error)
  })
}
