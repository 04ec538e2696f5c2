import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { randomFrom } from '../../random.ts'
import { makeFolder } from '../../temporary.ts'
import { removeDir, type Subject } from '../life.ts'
import { compareWhole, type Output, readOutput } from '../output.ts'
import { auditRun } from './audit.ts'
import type { Brokers } from './brokers.ts'
import { chooseDisturbance, type Kind } from './choose.ts'
import { disturb, type Scene } from './disturb.ts'
import { Members, type Process, startProcess } from './members.ts'
import { countTransactions } from './transactions.ts'

/** After so many a run is left alone until it ends, which must be within `endMs`. */
const disturbancesMax = 14
const endMs = 240_000
/** A process that was fenced finds out at its next commit. */
const zombieMs = 60_000

export interface Rig {
  readonly brokers: Brokers
  readonly subject: Subject
  readonly logConfig: string
  readonly expected: { readonly output: Output; readonly documents: number }
  readonly seed: number
  readonly processes: number
  readonly partitions: number
  readonly onDisturbed: (kind: Kind, kills: number) => void
}

export interface RunResult {
  readonly counts: Readonly<Record<string, number>>
  /** What was wrong, or null. The folder is kept then. */
  readonly failure: string | null
  readonly dir: string
}

/** One run from its start to its end, disturbed until `isEnough`, and judged. The same number is disturbed in the same order. */
export async function disturbRun(rig: Rig, number: number, isEnough: () => boolean): Promise<RunResult> {
  const { brokers, expected } = rig
  const dir = makeFolder('kafka-kill')
  const name = `kill-${rig.seed}-${number}-${process.pid}`
  const runDir = join(dir, name)
  const tables = (index: number) => (rig.processes > 1 ? join(dir, `tables-${index}`) : join(runDir, 'state'))
  const members = new Members(rig.processes, index =>
    startProcess(rig.subject, runDir, argumentsOf(rig, dir, name, tables(index))),
  )
  const scene: Scene = { brokers, members, processes: rig.processes, runDir, tables, zombies: [] }
  await disturbUntilEnd(rig, scene, randomFrom(rig.seed * 1000 + number), isEnough)
  const found = await judgeZombies(scene.zombies)
  const { restarts, fenced, sharesFenced, sharesLost } = members
  const counts = { restarts, fencedProcesses: fenced, fencedZombies: found.fenced, sharesFenced, sharesLost }
  const failure = members.failure ?? found.failure
  if (failure) return { counts, failure, dir }
  const { bytes, files } = compareWhole(expected.output, await readOutput(runDir))
  const audit = await auditRun(runDir)
  const problems = [...audit.problems]
  if (audit.counts.rows !== expected.documents) problems.unshift(`${audit.counts.rows} rows of ${expected.documents}`)
  if (bytes > 0) problems.unshift(`${bytes} bytes differ, in ${files.slice(0, 5)}`)
  const transactions = await countTransactions(brokers.directUrl, name)
  if (problems.length === 0) await Promise.all([removeDir(dir), brokers.forget(name)])
  const all = { ...counts, ...audit.counts, ...transactions, differingBytes: bytes }
  return { counts: all, failure: problems.slice(0, 8).join('; ') || null, dir }
}

function argumentsOf(rig: Rig, dir: string, name: string, tables: string): string[] {
  const { subject, brokers, logConfig, processes, partitions } = rig
  const spread = processes > 1 ? ['--spread', '--state', tables, '--log-format', 'json'] : []
  return [
    ...['run', subject.pipeline, '--dir', dir, '--run', name, ...subject.input.flatMap(path => ['--input', path])],
    ...['--log', brokers.proxiedUrl, '--log-config', logConfig, '--partitions', `${partitions}`, ...spread],
    ...['--workers', '1', '--json'],
  ]
}

async function disturbUntilEnd(rig: Rig, scene: Scene, random: () => number, isEnough: () => boolean): Promise<void> {
  const { members } = scene
  for (let done = 0; done < disturbancesMax && !isEnough(); done++) {
    const next = chooseDisturbance(random)
    await Promise.race([sleep(next.afterMs), members.ended])
    if (members.isDone) return
    rig.onDisturbed(next.kind, await disturb(scene, next))
  }
  await Promise.race([members.ended, sleep(endMs, undefined, { ref: false })])
  if (!members.isDone) members.stop(`it did not end within ${endMs / 1000} s after the last disturbance`)
}

/** One that stood still while another took its place must end, and not with what it alone holds for success. */
async function judgeZombies(zombies: readonly Process[]): Promise<{ fenced: number; failure: string | null }> {
  let fenced = 0
  let failure: string | null = null
  for (const { child, ended } of zombies) {
    const timer = setTimeout(() => child.kill('SIGKILL'), zombieMs)
    const { status, signal, err } = await ended
    clearTimeout(timer)
    if (status === 75) fenced++
    else if (signal) failure = 'a replaced process went on'
    else if (status !== 0 && status !== 73 && status !== 74) failure = `a replaced process: status ${status}: ${err}`
  }
  return { fenced, failure }
}
