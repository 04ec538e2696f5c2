import { findTrainers, type Trainer } from '../inspect/trainers.ts'
import type { Terminal } from './command.ts'
import { formatCount, formatPlural, formatTable } from './table.ts'
import { cleanName, cleanPath } from './wrap.ts'

/** Domains whose losses are shown. */
const domainsMax = 40

/** `headrace feed --trainers`: how far the trainers of a feed are, by what they report. */
export async function showTrainers(dir: string, isJson: boolean, terminal: Terminal): Promise<void> {
  const { head, trainers } = await findTrainers(dir)
  if (isJson) {
    for (const trainer of trainers)
      terminal.out.write(`${JSON.stringify({ feed: head.feed, steps: head.steps, ...trainer })}\n`)
    return
  }
  if (trainers.length === 0) {
    terminal.out.write(`no trainer reports to ${cleanPath(dir)}: headrace.Reports of the Python package does\n`)
    return
  }
  const rows = trainers.map(({ trainer, consumed, behind, checkpoint, heard }) => [
    trainer,
    consumed === null ? '-' : formatCount(consumed),
    formatCount(behind),
    checkpoint ? formatCount(checkpoint.step) : '-',
    checkpoint ? formatCount(checkpoint.oldest) : '-',
    heard === null ? '-' : cleanName(heard, 30),
  ])
  const title = ['trainer', 'last step', 'behind', 'checkpoint', 'oldest kept', 'heard at']
  terminal.out.write(`${formatTable([title, ...rows])}\n${formatPlural(head.steps, 'step')} published\n`)
  for (const trainer of trainers) terminal.out.write(describeTrainer(trainer))
}

function describeTrainer({ trainer, lossSteps, losses, damagedLines, fault }: Trainer): string {
  const parts: string[] = []
  if (fault !== null) parts.push(`\n${trainer}: ${cleanName(fault, 300)}\n`)
  if (damagedLines > 0)
    parts.push(`\n${trainer}: ${formatPlural(damagedLines, 'line')} of its reports can't be read and are left out\n`)
  if (losses.length > 0) {
    const rows = losses
      .slice(0, domainsMax)
      .map(({ domain, loss, targets }) => [
        cleanName(domain) || '(none)',
        loss === null ? '-' : loss.toFixed(4),
        formatCount(targets),
      ])
    const more = losses.length > domainsMax ? `and ${formatPlural(losses.length - domainsMax, 'domain')} more\n` : ''
    const over = `\nloss of ${trainer} over its last ${formatPlural(lossSteps, 'step')} with losses\n`
    parts.push(`${over}${formatTable([['domain', 'loss', 'targets'], ...rows])}${more}`)
  }
  return parts.join('')
}
