import { join } from 'node:path'
import { listFiles } from '../disk/files.ts'
import { BlockFile } from '../feed/files/block-file.ts'
import type { Head } from '../feed/files/head.ts'
import { listLetGo } from '../feed/files/let-go-block.ts'
import type { Step } from '../feed/files/steps.ts'
import type { Cut } from '../feed/plan/packed.ts'

/** How full the samples of a domain are. */
export interface FedPacking {
  /** Share of its samples in all steps that is padding; null where no step has one. */
  readonly padding: number | null
  /** Documents of its blocks that would fit a sample, and those of them that were cut; null where no block says it. */
  readonly cut: Cut | null
}

/** How full the samples of each fed domain are, up to the `last` step. */
export async function findPacking(dir: string, head: Head, last: Step | null): Promise<Map<string, FedPacking>> {
  const cuts = head.packing === 'best-fit-filled' ? await readCuts(dir) : new Map<string, Cut>()
  return new Map(
    Object.entries(last?.totals ?? {}).map(([domain, { samples, tokens }]) => [
      domain,
      { padding: 1 - tokens / (samples * head.length), cut: cuts.get(domain) ?? null },
    ]),
  )
}

/** What the blocks of each domain say, those that no step has taken of yet too. */
async function readCuts(dir: string): Promise<Map<string, Cut>> {
  const cuts = new Map<string, Cut>()
  const count = (domain: string, own: Cut | null) => {
    const before = cuts.get(domain) ?? { fitting: 0, cut: 0 }
    if (own) cuts.set(domain, { fitting: before.fitting + own.fitting, cut: before.cut + own.cut })
  }
  const names = await listFiles(join(dir, 'blocks'))
  for (const name of names) {
    if (!name.endsWith('.arrow')) continue
    using file = new BlockFile(dir, join('blocks', name))
    count(file.identity.domain, file.cut())
  }
  for (const { name, identity, cut } of await listLetGo(dir)) if (!names.includes(name)) count(identity.domain, cut)
  return cuts
}
