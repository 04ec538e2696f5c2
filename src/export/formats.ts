import { HeadraceError } from '../errors.ts'
import { refuseName } from '../options.ts'
import { datatrove } from './datatrove.ts'
import type { Format } from './format.ts'
import { hf } from './hf.ts'
import { internevo } from './internevo.ts'
import { litdata } from './litdata.ts'
import { mds } from './mds.ts'
import { megatron } from './megatron.ts'
import { olmo } from './olmo.ts'
import { webdataset } from './webdataset.ts'

/** All formats that a feed can be exported to. */
export const formats: readonly Format[] = [mds, megatron, datatrove, olmo, hf, webdataset, litdata, internevo]

/** Throws `bad-option` for a name that there is not, with those that there are. */
export function findFormat(name: string): Format {
  const found = formats.find(format => format.name === name)
  if (found) return found
  throw new HeadraceError(
    'bad-option',
    refuseName(
      'there is no format',
      name,
      formats.map(format => format.name),
    ),
  )
}
