import { HeadraceError } from '../../errors.ts'
import { type BlockRef, type BlockSpec, blockIdentity, type CutSamples, type SampleOptions } from '../plan/blocks.ts'
import { BlockFile } from './block-file.ts'
import { findLetGo } from './let-go-block.ts'

/** Whether a block of this name is there and whole, of whatever shards, or was let go. */
export function isBlock(dir: string, block: BlockRef): boolean {
  return (
    openOr(false, () => {
      using file = new BlockFile(dir, block)
      return file.samples >= 0
    }) || findLetGo(dir, block) !== null
  )
}

/** Tokens of each sample of a block that was published, its file and that file's hash, or null when this very block was not. One that was let go has left both. */
export function readCut(
  dir: string,
  spec: BlockSpec,
  options: SampleOptions,
): (CutSamples & { readonly path: string }) | null {
  const asked = blockIdentity(spec, options)
  const there = openOr(null, () => {
    using file = new BlockFile(dir, spec)
    if (JSON.stringify(file.identity) !== asked) return null
    return { tokens: file.tokens(), sha256: file.hash(), path: file.path }
  })
  if (there) return there
  const left = findLetGo(dir, spec)
  return left && JSON.stringify(left.identity) === asked ? left : null
}

/** What a block's file gives; where there is none, or a damaged one, `missing`. */
function openOr<T>(missing: T, open: () => T): T {
  try {
    return open()
  } catch (error) {
    if (error instanceof HeadraceError && ['not-found', 'corrupt', 'trimmed'].includes(error.code)) return missing
    throw error
  }
}
