import { parentPort, workerData } from 'node:worker_threads'
import { kenlm } from '../../src/annotate/kenlm.ts'
import { utf8From } from '../../src/batch/batch.ts'

// A thread that measures texts by a model.
const { model, texts } = workerData as { model: string; texts: readonly string[] }
const columns = await kenlm({ model, name: 'x' }).annotate({ rows: texts.length, columns: { text: utf8From(texts) } })
parentPort!.postMessage(columns['kenlm:x'])
