import {
  type Cursor,
  type Entry,
  type Log,
  type Owner,
  type PartialEntry,
  type Position,
  readPartially,
  type Topics,
} from '../log/log.ts'

/** A log whose readers get some of its entries otherwise; all else is as it is. */
export abstract class LogView implements Log, Topics {
  protected readonly log: Log & Partial<Topics>

  constructor(log: Log & Partial<Topics>) {
    this.log = log
  }

  abstract read(from: Cursor, signal: AbortSignal): AsyncIterable<Entry>

  readPartial(from: Cursor): AsyncIterable<PartialEntry> {
    return readPartially(this.log, from)
  }

  bounds(topic: string, partition: number): ReturnType<Log['bounds']> {
    return this.log.bounds(topic, partition)
  }

  position(stage: string, partition: number): Promise<Position> {
    return this.log.position(stage, partition)
  }

  own(stage: string): Promise<Owner> {
    return this.log.own(stage)
  }

  async trim(topic: string, partition: number, before: bigint): Promise<void> {
    await this.log.trim?.(topic, partition, before)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.log[Symbol.asyncDispose]()
  }
}
