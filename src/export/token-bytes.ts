import { HeadraceError } from '../errors.ts'
import { bytesOfInts } from './fields.ts'

const idMax = 65_535

/** Token ids as the files have them, little-endian: 4 bytes are int32 and uint32 alike, as ids are below 2^31. */
export function bytesOfTokens(tokens: Int32Array, tokenBytes: 2 | 4): Uint8Array {
  if (tokenBytes === 4) return bytesOfInts(tokens)
  for (const id of tokens) checkId(id)
  return bytesOfInts(Uint16Array.from(tokens))
}

/** Throws `bad-option` for an id of more than 16 bits. */
export function checkId(id: number): void {
  if (id <= idMax) return
  throw new HeadraceError('bad-option', `token id ${id} does not fit 2 bytes: leave --token-bytes out, or give 4`)
}
