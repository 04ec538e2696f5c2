import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Brokers } from './brokers.ts'
import type { Disturbance, Kind } from './choose.ts'
import type { Members, Process } from './members.ts'
import type { Passing } from './proxy.ts'

/** What is disturbed. */
export interface Scene {
  readonly brokers: Brokers
  readonly members: Members
  readonly processes: number
  readonly runDir: string
  /** The folder of the deciders' tables of a process. */
  readonly tables: (index: number) => string
  /** Processes that were replaced while they stood still, and go on. */
  readonly zombies: Process[]
}

/** Disturbs a run once, and comes back when all is well again but what the run itself has to mend. Returns how many SIGKILLs it took. */
export function disturb(scene: Scene, one: Disturbance): Promise<number> {
  return acts[one.kind]({
    ...scene,
    one,
    index: one.process % scene.processes,
    node: 1 + (one.node % scene.brokers.count),
  })
}

type Act = (at: Scene & { one: Disturbance; index: number; node: number }) => Promise<number>

const acts: Readonly<Record<Kind, Act>> = {
  client: ({ members, index }) => members.kill(index),
  tables: ({ members, index, tables }) =>
    members.kill(index, () => rm(tables(index), { recursive: true, force: true })),
  broker: async ({ brokers, node, one }) => {
    await brokers.control('kill9', node)
    await sleep(one.forMs)
    await brokers.control('start', node)
    return 1
  },
  both: async at => {
    const [broker, client] = await Promise.all([acts.broker(at), acts.client(at)])
    return broker + client
  },
  stop: async ({ brokers, node, one }) => {
    await brokers.control('stop', node)
    await sleep(one.forMs)
    await brokers.control('start', node)
    return 0
  },
  zombie: async ({ members, index, processes, one, runDir, zombies }) => {
    if (processes > 1) return standStill(members.at(index), one.forMs)
    // One that stands still holds the run's folder, until somebody who thinks that it is gone removes its lock.
    const zombie = await members.replace(index, async ({ child }) => {
      child.kill('SIGSTOP')
      await rm(join(runDir, 'lock'), { force: true })
    })
    if (zombie) zombies.push(zombie)
    return standStill(zombie, one.forMs)
  },
  cut: at => passFor(at, 'none'),
  slow: at => passFor(at, 'slow'),
  hole: at => passFor(at, 'black-hole'),
  end: at => passFor(at, 'lost-end'),
}

async function standStill(stopped: Process | null, forMs: number): Promise<number> {
  stopped?.child.kill('SIGSTOP')
  await sleep(forMs)
  stopped?.child.kill('SIGCONT')
  return 0
}

async function passFor({ brokers, one }: Parameters<Act>[0], passing: Passing): Promise<number> {
  for (const proxy of brokers.proxies) proxy.pass(passing, one.delayMs)
  await sleep(one.forMs)
  for (const proxy of brokers.proxies) proxy.pass('all')
  return 0
}
