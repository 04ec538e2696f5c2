import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decompressLz4Frames } from '../../../src/batch/arrow/foreign/lz4.ts'
import { kafkaTopic } from '../../../src/index.ts'
import { RecordCutter } from '../../../src/sources/kafka/records.ts'
import type { Target } from '../target.ts'

const golden = join(import.meta.dirname, '../../golden/arrow')

/** Somebody's Arrow messages in a topic: whatever they hold, each is rows or dead, and the reader never throws. */
export const foreignArrowTarget: Target = {
  name: 'topic-arrow',
  cases: 600,
  async open() {
    const source = kafkaTopic('kafka://h', 't', { format: 'arrow' })
    const names = readdirSync(golden).filter(name => /\.arrows?$/.test(name))
    const files = names.map(name => {
      const bytes = readFileSync(join(golden, name))
      return { name, bytes, marks: [...bytes.keys()].filter(at => at % 8 === 0) }
    })
    return {
      files,
      async check(bytes) {
        const cutter = new RecordCutter(0)
        cutter.add({ offset: 0, timeMs: null, key: null, headers: [], value: bytes })
        const { batch, dead } = await source.parse({ split: 't/0', ...cutter.cut(1)! })
        if (batch.rows + dead.length === 0) throw new Error('the message vanished')
        return dead.length > 0 ? 'dead records' : 'rows'
      },
    }
  },
}

/** Two blocks, the second of which refers to the first: literals `abcdefgh` and a match, then a match and literals. */
export const lz4Frame = Buffer.concat([
  Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x40, 0x40, 0xc0]),
  Buffer.from([12, 0, 0, 0, 0x84, ...Buffer.from('abcdefgh'), 8, 0, 0x00]),
  Buffer.from([9, 0, 0, 0, 0x0f, 8, 0, 1, 0x40, ...Buffer.from('wxyz')]),
  Buffer.alloc(4),
])
export const lz4Text = `${'abcdefgh'.repeat(4).slice(0, 16)}${'abcdefgh'.repeat(3).slice(0, 20)}wxyz`

/** LZ4 frames: they give as many bytes as were said, or a RangeError. */
export const lz4Target: Target = {
  name: 'topic-lz4',
  cases: 2000,
  open: async () => ({
    files: [{ name: 'frame', bytes: lz4Frame }],
    async check(bytes) {
      try {
        return decompressLz4Frames(bytes, lz4Text.length).length === lz4Text.length ? 'bytes' : 'fewer'
      } catch (error) {
        if (error instanceof RangeError) return 'refused'
        throw error
      }
    },
  }),
}
