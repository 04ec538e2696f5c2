import { join } from 'node:path'
import { before, test } from 'node:test'
import { writeFeed } from '../export/samples.ts'
import { makeFolder } from '../temporary.ts'
import { runPython, skipWithout } from './python.ts'

// What `Reports` of the Python package sends to `headrace serve --reports`, whatever lies between and whoever of them is killed. CI kills more often.
const dir = makeFolder('sent-reports')
const skip = skipWithout('numpy', 'pyarrow')
const seed = Math.floor(Math.random() * 2 ** 31)
const kills = process.env.CI ? 30 : 3
let feed = ''

before(async () => {
  if (!skip) feed = await writeFeed(dir)
})

test(`reports that are sent come once, or it is told (seed ${seed})`, { skip }, () => {
  const script = join(import.meta.dirname, 'test_sent_reports.py')
  const headrace = join(import.meta.dirname, '..', '..', 'bin', 'headrace.js')
  runPython([script, feed, makeFolder('spools'), String(seed), process.execPath, headrace, String(kills)])
})
