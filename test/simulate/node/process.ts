import { systemError } from '../disk.ts'
import { currentProcess, running } from '../process.ts'

/** `node:process`: its number, and which other processes are there. All else is the real one's. */
const simulated = Object.create(process, {
  pid: { get: () => running.getStore()?.process.pid ?? process.pid },
  kill: { value: kill },
})
export default simulated as NodeJS.Process

export const { pid } = process

function kill(pid: number): true {
  const { world, machine } = currentProcess()
  if (!world.processes.some(other => other.pid === pid && other.machine === machine && other.state !== 'dead'))
    throw systemError('ESRCH', 'kill', String(pid))
  return true
}

export { kill }
