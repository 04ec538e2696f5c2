import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type DataFile, dataFiles, readDataFile } from '../src/data-files.ts'

// The last step of the build: the files of data, each checked against its hash, go to `data/` in the folder that is given (default dist).
const folder = join(process.argv[2] ?? 'dist', 'data')
mkdirSync(folder, { recursive: true })
for (const name of Object.keys(dataFiles) as DataFile[]) writeFileSync(join(folder, name), readDataFile(name))
// Who made them, and their licences, go wherever they go.
copyFileSync(join(import.meta.dirname, '../NOTICE'), join(folder, 'NOTICE'))
