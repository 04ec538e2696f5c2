import { testLog } from '../../conformance/log.ts'
import { JournalLog } from '../../src/log/journal/journal-log.ts'
import { MemoryLog } from '../../src/log/memory/memory-log.ts'
import { makeFolder } from '../temporary.ts'

async function openJournal() {
  const dir = makeFolder('log')
  const open = () => new JournalLog(dir, { writable: true, segmentBytesMax: 1500, openFilesMax: 2 })
  const log = open()
  return {
    log,
    reopen: async () => {
      await log[Symbol.asyncDispose]()
      return open()
    },
    openBeside: async () => open(),
  }
}

testLog('memory', async () => ({ log: new MemoryLog() }))
testLog('journal', openJournal)
