// npm run bench -- pii          precision and recall of personal data on the labelled sentences of test/golden/pii.txt, with each fault
import { measureQuality, readLabelled } from '../text/pii/labelled.ts'

const percent = (part: number, of: number) => (of === 0 ? '-' : `${((100 * part) / of).toFixed(1)} %`)
for (const [kind, { right, wrong, missed, faults }] of measureQuality(await readLabelled())) {
  const shares = `precision ${percent(right, right + wrong)}, recall ${percent(right, right + missed)}`
  console.log(`${kind.padEnd(8)} ${String(right + missed).padStart(3)} marked: ${shares}`)
  for (const fault of faults) console.log(`           ${fault}`)
}
