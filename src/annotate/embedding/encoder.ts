import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { HeadraceError } from '../../errors.ts'
import { cleanPath } from '../../text/printable.ts'
import { loadModel, type ModelFile } from '../model-file.ts'
import { findPackage, requirePackage } from '../optional-package.ts'
import { toUnit } from './vectors.ts'

/** What is used of onnxruntime-node 1.30.0. */
interface Runtime {
  readonly env: { logLevel: string }
  readonly Tensor: new (type: 'int64', data: BigInt64Array, dims: readonly number[]) => unknown
  readonly InferenceSession: { create(model: Uint8Array, options: object): Promise<Session> }
}
interface Session {
  readonly inputNames: readonly string[]
  readonly outputNames: readonly string[]
  run(inputs: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, Output>>>
}
interface Output {
  readonly type: string
  readonly dims: readonly number[]
  readonly data: Float32Array
}

export type Provider = 'cpu' | 'cuda'
/** How the vectors of a text's tokens become one: their mean, or that of the first token (`[CLS]`). */
export type Pooling = 'mean' | 'first'

export interface EncoderTerms {
  readonly model: ModelFile
  readonly sha256: string
  readonly dimensions: number
  readonly pooling: Pooling
  readonly provider: Provider
  /** Whether the processor does where the provider can't be had. */
  readonly orCpu: boolean
}

const packageName = 'onnxruntime-node'
const version = '1.30.0'
/** Its script would fetch CUDA's libraries, which a processor has no use for. */
const install = `${packageName}@${version} --ignore-scripts`

/** Throws `bad-option` where the package is not installed. Whether its folder has CUDA's libraries: it is another install that brings them. */
export function findRuntime(who: string): { readonly hasCuda: boolean } {
  // `dist/index.js` beside `bin/napi-v6/linux/x64`.
  const bin = join(dirname(findPackage(packageName, who, install)), '..', 'bin')
  const versions = existsSync(bin) ? readdirSync(bin) : []
  const { platform, arch } = process
  const hasLibrary = (folder: string) =>
    ['libonnxruntime_providers_cuda.so', 'onnxruntime_providers_cuda.dll'].some(name =>
      existsSync(join(bin, folder, platform, arch, name)),
    )
  return { hasCuda: versions.some(hasLibrary) }
}

/** An encoder of BERT's family in ONNX: ids of tokens become vectors of length 1. One thread. */
export class Encoder {
  readonly #session: Session
  readonly #runtime: Runtime
  readonly #terms: EncoderTerms

  private constructor(runtime: Runtime, session: Session, terms: EncoderTerms) {
    this.#runtime = runtime
    this.#session = session
    this.#terms = terms
  }

  /** Throws `corrupt` for what is no encoder in ONNX, and `bad-option` where the provider can't be had. */
  static async open(who: string, terms: EncoderTerms): Promise<Encoder> {
    const runtime = requirePackage<Runtime>(packageName, who, install)
    runtime.env.logLevel = 'fatal'
    const bytes = loadModel(terms.model, terms.sha256, file => {
      const all = new Uint8Array(file.length)
      file.read(0, all)
      return all
    })
    const session = await openSession(who, runtime, bytes, terms)
    const unknown = session.inputNames.find(name => !inputs.includes(name))
    if (unknown !== undefined)
      throw refuseModel(
        terms,
        `has an input '${cleanPath(unknown)}', and one of BERT's family has ${inputs.join(', ')}`,
      )
    return new Encoder(runtime, session, terms)
  }

  /** The vectors of a batch; null where the model gives no numbers. All are computed as long as the longest. */
  async embed(batch: readonly (readonly number[])[]): Promise<(Float32Array | null)[]> {
    const tokens = Math.max(...batch.map(({ length }) => length))
    const dims = [batch.length, tokens]
    const [ids, mask] = [new BigInt64Array(batch.length * tokens), new BigInt64Array(batch.length * tokens)]
    batch.forEach((row, i) => {
      for (let j = 0; j < row.length; j++) {
        ids[i * tokens + j] = BigInt(row[j])
        mask[i * tokens + j] = 1n
      }
    })
    const values = [ids, mask, new BigInt64Array(ids.length)]
    const given = inputs.map((name, i) => [name, new this.#runtime.Tensor('int64', values[i], dims)] as const)
    const used = given.filter(([name]) => this.#session.inputNames.includes(name))
    const { data } = this.#check(await this.#run(Object.fromEntries(used)), dims)
    return batch.map((row, i) => this.#pool(data, i * tokens, row.length))
  }

  async #run(given: Readonly<Record<string, unknown>>): Promise<Output> {
    try {
      const outputs = Object.values(await this.#session.run(given))
      return outputs.find(({ dims }) => dims.length === 3) ?? outputs[0]
    } catch (error) {
      const why = whyOf(error)
      throw refuseModel(
        this.#terms,
        `failed (${why}): see whether the vocabulary is the model's, and 'tokensMax' no more than it takes`,
      )
    }
  }

  #check(output: Output, [rows, tokens]: readonly number[]): Output {
    const { dimensions } = this.#terms
    const { dims, type } = output
    if (type !== 'float32' || dims.length !== 3 || dims[0] !== rows || dims[1] !== tokens)
      throw refuseModel(this.#terms, `gives ${type} of ${dims.join(' x ')}, and not a vector a token`)
    if (dims[2] === dimensions) return output
    throw refuseModel(this.#terms, `gives vectors of ${dims[2]} numbers, and 'dimensions' is ${dimensions}`)
  }

  #pool(data: Float32Array, first: number, tokens: number): Float32Array | null {
    const { dimensions, pooling } = this.#terms
    const sums = new Float64Array(dimensions)
    const last = pooling === 'mean' ? tokens : 1
    for (let token = 0; token < last; token++) {
      const at = (first + token) * dimensions
      for (let i = 0; i < dimensions; i++) sums[i] += data[at + i]
    }
    return toUnit(sums)
  }
}

const inputs = ['input_ids', 'attention_mask', 'token_type_ids']

async function openSession(who: string, runtime: Runtime, model: Uint8Array, terms: EncoderTerms): Promise<Session> {
  const create = (provider: Provider) =>
    runtime.InferenceSession.create(model, {
      executionProviders: [provider],
      // Workers share the processor's cores already, one each.
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      logSeverityLevel: 4,
    })
  try {
    if (terms.provider !== 'cpu') return await create(terms.provider)
  } catch (error) {
    const why = whyOf(error)
    const what = `${who}: ${packageName} can't compute by ${terms.provider} (${why}); orCpu: true goes on by the processor`
    if (!terms.orCpu) throw new HeadraceError('bad-option', what, error)
  }
  try {
    return await create('cpu')
  } catch (error) {
    throw refuseModel(terms, `can't be opened (${whyOf(error)})`)
  }
}

const whyOf = (error: unknown) => cleanPath((error as Error).message)

const refuseModel = ({ model }: EncoderTerms, what: string) =>
  new HeadraceError('corrupt', `model ${model.path} ${what}; ${model.advice}`)
