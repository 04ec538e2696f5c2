import { readFeed } from '../../src/feed/read.ts'

/** Tokens a second that one process reads from a feed: `node test/bench/feed.ts FEED_DIR [SECONDS]`. */
const [dir, seconds = '10'] = process.argv.slice(2)
if (!dir) throw new Error('usage: node test/bench/feed.ts FEED_DIR [SECONDS]')

const began = performance.now()
let [steps, tokens, pieces, firstMs] = [0, 0, 0, 0]
for await (const batch of readFeed(dir)) {
  if (steps++ === 0) firstMs = performance.now() - began
  tokens += batch.inputIds.length
  pieces += batch.documents.length
  if (performance.now() - began > Number(seconds) * 1000) break
}
const taken = (performance.now() - began) / 1000
console.log(
  `${steps} steps, ${(tokens / 1e6).toFixed(1)} M tokens in ${taken.toFixed(2)} s: ${(tokens / taken / 1e6).toFixed(1)} M tokens/s, ` +
    `${Math.round(tokens / pieces)} tokens a piece, first batch after ${firstMs.toFixed(0)} ms`,
)
