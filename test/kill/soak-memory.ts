import { readFileSync } from 'node:fs'

/** Resident memory of one life of a process, in MB, from when it is at work. */
export interface LifeMemory {
  readonly seconds: number
  readonly medianMb: number
  readonly maxMb: number
}

/** A process grows while it loads its modules and models; what counts comes after. */
const startSeconds = 4

/** Resident memory now in MB, or null when the process is gone. */
export function residentMb(pid: number | undefined): number | null {
  try {
    const kb = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kb === undefined ? null : Number(kb) / 1024
  } catch {
    return null
  }
}

/** Samples a process's memory each second. The returned function ends that and gives what was seen; null of a life too short. */
export function watchMemory(pid: number | undefined): () => LifeMemory | null {
  const began = performance.now()
  const seconds = () => (performance.now() - began) / 1000
  const samples: number[] = []
  const timer = setInterval(() => {
    const mb = seconds() > startSeconds ? residentMb(pid) : null
    if (mb !== null) samples.push(mb)
  }, 1000)
  return () => {
    clearInterval(timer)
    if (samples.length === 0) return null
    return { seconds: seconds(), medianMb: median(samples), maxMb: Math.max(...samples) }
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? 0
}

/** Medians of the first and of the last third of lives, and the most of all. */
export function memoryTrend(lives: readonly LifeMemory[]): { firstMb: number; lastMb: number; maxMb: number } {
  const third = Math.max(1, Math.floor(lives.length / 3))
  const medianOf = (part: readonly LifeMemory[]) => median(part.map(life => life.medianMb))
  const maxMb = Math.max(0, ...lives.map(life => life.maxMb))
  return { firstMb: medianOf(lives.slice(0, third)), lastMb: medianOf(lives.slice(-third)), maxMb }
}
