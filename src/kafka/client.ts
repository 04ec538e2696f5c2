import type * as Client from '@platformatic/kafka'
import { HeadraceError } from '../errors.ts'

export type KafkaClient = typeof Client

/** The version whose codecs these files were held against. They are exported but not documented, so another may differ. */
const version = '2.12.1'

/** The client package, which only a log at kafka:// needs. `bad-option` where it is not installed. */
export async function loadClient(): Promise<KafkaClient> {
  try {
    return await import('@platformatic/kafka')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new HeadraceError(
      'bad-option',
      `a log at kafka:// needs a package that is not installed: run npm install @platformatic/kafka@${version}`,
    )
  }
}
