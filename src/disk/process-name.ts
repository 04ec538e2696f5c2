import { readFileSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import process from 'node:process'

/** A process as it is named in a file that others read. */
export interface ProcessName {
  readonly pid: number
  /** Tells a process from a later one with the same number. */
  readonly started: string
  readonly host: string
  /** Boot of the machine and namespace of numbers: what two containers or machines of one name differ in. Empty where the system has none. */
  readonly machine?: string
}

export function describeProcess(): ProcessName {
  return { pid: process.pid, started: startOf(process.pid), host: hostname(), machine: describeMachine() }
}

/**
 * Whether a process is there. Of one of another machine nothing is known (`remote`), and of one whose machine only has the same name, as
 * containers of one service have, nothing but what it leaves (`unseen`). A machine that began anew is such a one.
 */
export function judgeProcess(name: ProcessName): 'alive' | 'dead' | 'remote' | 'unseen' {
  if (name.host !== hostname()) return 'remote'
  if ((name.machine ?? '') !== '' && name.machine !== describeMachine()) return 'unseen'
  try {
    process.kill(name.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return 'dead'
  }
  return name.started === '' || name.started === startOf(name.pid) ? 'alive' : 'dead'
}

/** The boot's id and the number of the namespace of processes (Linux), or empty. */
function describeMachine(): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${statSync('/proc/self/ns/pid').ino}`
  } catch {
    return ''
  }
}

/**
 * A process's start time in clock ticks since boot (Linux), or empty where the system does not say. One that has ended and that its
 * parent has not asked after (a zombie, as a container without an init leaves them) still has a number, but holds nothing.
 */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? 'ended' : fields[19]
  } catch {
    return ''
  }
}
