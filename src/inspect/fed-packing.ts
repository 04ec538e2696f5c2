import { join } from 'node:path'
import { listFiles } from '../disk/files.ts'
import { BlockFile } from '../feed/files/block-file.ts'
import type { Head } from '../feed/files/head.ts'
import { LedgerReader } from '../feed/files/ledger.ts'
import { listLetGo } from '../feed/files/let-go-block.ts'
import type { Step } from '../feed/files/steps.ts'
import type { BlockRef } from '../feed/plan/blocks.ts'
import type { ControlEntry } from '../feed/plan/control.ts'
import { lengthPhases } from '../feed/plan/length.ts'
import type { Cut } from '../feed/plan/packed.ts'

/** How full the samples of a domain are. */
export interface FedPacking {
  /** Share of its samples in all steps that is padding; null where no step has one. */
  readonly padding: number | null
  /** Documents of its blocks that would fit a sample, and those of them that were cut; null where no block says it. */
  readonly cut: Cut | null
}

/** How full the samples of each fed domain are, in all steps. */
export async function findPacking(
  dir: string,
  head: Head,
  entries: readonly ControlEntry[],
): Promise<Map<string, FedPacking>> {
  const cuts = head.packing === 'best-fit-filled' ? await readCuts(dir) : new Map<string, Cut>()
  const ledger = new LedgerReader(dir, head)
  const rooms = new Map<string, number>()
  let totals: Step['totals'] = {}
  for (const { to, length } of lengthPhases(head, entries, 0, head.steps)) {
    const before = new Map(Object.entries(totals))
    totals = (await ledger.open(to - 1)).totals
    for (const [domain, { samples }] of Object.entries(totals)) {
      const own = samples - (before.get(domain)?.samples ?? 0)
      rooms.set(domain, (rooms.get(domain) ?? 0) + own * length)
    }
  }
  return new Map(
    Object.entries(totals).map(([domain, { tokens }]) => [
      domain,
      { padding: 1 - tokens / rooms.get(domain)!, cut: cuts.get(domain) ?? null },
    ]),
  )
}

/** What the blocks of each domain say, those that no step has taken of yet too. Of one that was cut anew the last cut counts, of what was left then. */
async function readCuts(dir: string): Promise<Map<string, Cut>> {
  const last = new Map<string, { readonly domain: string; readonly number: number; readonly own: Cut }>()
  const count = ({ domain, number, epoch, cut = 0 }: BlockRef, own: Cut | null) => {
    const key = `${number} ${epoch} ${domain}`
    if (own && (last.get(key)?.number ?? -1) < cut) last.set(key, { domain, number: cut, own })
  }
  const names = await listFiles(join(dir, 'blocks'))
  for (const name of names) {
    if (!name.endsWith('.arrow')) continue
    using file = new BlockFile(dir, join('blocks', name))
    count(file.identity, file.cut())
  }
  for (const { name, identity, cut } of await listLetGo(dir)) if (!names.includes(name)) count(identity, cut)
  const cuts = new Map<string, Cut>()
  for (const { domain, own } of last.values()) {
    const before = cuts.get(domain) ?? { fitting: 0, cut: 0 }
    cuts.set(domain, { fitting: before.fitting + own.fitting, cut: before.cut + own.cut })
  }
  return cuts
}
