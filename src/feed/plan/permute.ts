import { hash128, mix32, mix32b } from '../../text/hash.ts'

const encoder = new TextEncoder()

/**
 * The numbers from 0 to `count` - 1 in an order that `key` alone decides: a Fisher-Yates shuffle whose random numbers are two 32-bit
 * hashes of the key and a counter, 53 bits together, so that the bias of scaling is below 2^-22 even for 2^31 items.
 */
export function permute(count: number, key: string): Int32Array {
  const seeds = new Uint32Array(4)
  const bytes = encoder.encode(key)
  hash128(bytes, 0, bytes.length, 0, seeds)
  const order = new Int32Array(count)
  for (let i = 0; i < count; i++) order[i] = i
  for (let i = count - 1; i > 0; i--) {
    const high = mix32(mix32(i ^ seeds[0]) ^ seeds[1])
    const low = mix32b(mix32b(i ^ seeds[2]) ^ seeds[3])
    const j = Math.floor(((high * 2 ** 21 + (low >>> 11)) / 2 ** 53) * (i + 1))
    const value = order[i]
    order[i] = order[j]
    order[j] = value
  }
  return order
}
