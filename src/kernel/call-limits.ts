import type { Caller } from './caller.ts'
import type { Clock } from './clock.ts'
import { Fault } from './fault.ts'
import { namesIt } from './name-pattern.ts'
import { networkOf } from './network-of.ts'
import { RecentMap } from './recent-map.ts'
import { BucketTable, type Rate, type TokenBucket } from './token-bucket.ts'
import type { Tool } from './tool.ts'

/** Which budget a call was refused by. */
export type CallLimit = 'caller' | 'anonymous' | 'operation' | 'address'

export interface CallLimitsOptions {
  /** Of one caller; those without an identity have it together with all others of their network. Infinity: no limit. */
  readonly callsPerMinute: number
  /** Of all callers of one network together, loopback excepted. Absent: no limit. */
  readonly addressCallsPerMinute?: number
  /** By the full name of an operation or a pattern with `*`: the first that fits counts, before what the operation says itself. */
  readonly operations?: Readonly<Record<string, Rate>>
  readonly clock: Clock
  readonly onRefused?: (limit: CallLimit) => void
}

/** What a caller has left, for whoever tells it. */
export interface Quota {
  readonly limit: 'caller' | 'anonymous'
  readonly rate: Rate
  readonly left: number
  /** Milliseconds until there is one more; 0: there will not be more. */
  readonly nextMs: number
}

/** How often calls may be made: by one caller, from one network, and of one operation by one caller. */
export interface CallLimits {
  /** Takes the call out of each budget that it counts in; out of none when one is used up: Fault `rate_limited`, which says which. */
  take(caller: Caller, tool: Pick<Tool, 'name' | 'rate'>, nowMs?: number): void
  /** Undefined: without a limit. */
  quotaOf(caller: Caller): Quota | undefined
  /** The tables as they are now, by name. */
  tables(): Iterable<readonly [name: string, table: BucketTable]>
}

/** Names of operations, which servers behind the hub can make up, and addresses. */
const MOST_NAMES = 5000

/** The network of loopback, and of what has no address. */
const LOCAL = networkOf(undefined)

export function createCallLimits(options: CallLimitsOptions): CallLimits {
  const { callsPerMinute, addressCallsPerMinute = Number.POSITIVE_INFINITY, clock, onRefused } = options
  const callers = tableOf(callsPerMinute)
  const strangers = tableOf(callsPerMinute)
  const addresses = tableOf(addressCallsPerMinute)
  const patterns = Object.entries(options.operations ?? {})
  /** Null: without a limit of its own. */
  const operations = new RecentMap<OperationTables | null>(MOST_NAMES)
  const networks = new RecentMap<string>(MOST_NAMES)

  const networkAt = (address = ''): string => {
    const known = networks.get(address)
    if (known !== undefined) return known
    const network = networkOf(address)
    networks.set(address, network)
    return network
  }

  const tablesFor = ({ name, rate }: LimitedTool): OperationTables | null => {
    const known = operations.get(name)
    if (known !== undefined) return known
    const [, wanted = rate] = patterns.find(([pattern]) => namesIt([pattern], name)) ?? []
    const made = wanted === undefined ? null : { callers: new BucketTable(wanted), strangers: new BucketTable(wanted) }
    operations.set(name, made)
    return made
  }

  /** Those without an identity share what their network may do, or one of them could use up everybody's. */
  const keyOf = ({ id, address }: Caller): string => (id === ANONYMOUS ? networkAt(address) : id)

  const ownBucket = (caller: Caller): TokenBucket | undefined =>
    (caller.id === ANONYMOUS ? strangers : callers)?.of(keyOf(caller))

  const operationBucket = (caller: Caller, tool: LimitedTool): TokenBucket | undefined => {
    const tables = tablesFor(tool)
    return tables === null ? undefined : tables[caller.id === ANONYMOUS ? 'strangers' : 'callers'].of(keyOf(caller))
  }

  const addressBucket = ({ address }: Caller): TokenBucket | undefined => {
    if (addresses === undefined) return undefined
    const network = networkAt(address)
    return network === LOCAL ? undefined : addresses.of(network)
  }

  return {
    take(caller, tool, nowMs = clock.monotonic()) {
      const own = ownBucket(caller)
      const address = addressBucket(caller)
      const operation = operationBucket(caller, tool)
      const refused = firstEmpty(nowMs, own, address, operation)
      if (refused !== undefined) {
        const limit = refused === own ? whose(caller) : refused === address ? 'address' : 'operation'
        onRefused?.(limit)
        throw refusal(limit, refused, nowMs, { caller, tool })
      }
      own?.take(nowMs)
      address?.take(nowMs)
      operation?.take(nowMs)
    },
    quotaOf(caller) {
      const bucket = ownBucket(caller)
      if (bucket === undefined) return undefined
      const nowMs = clock.monotonic()
      return { limit: whose(caller), rate: bucket.rate, left: bucket.left(nowMs), nextMs: bucket.nextMs(nowMs) }
    },
    *tables() {
      if (callers) yield ['caller', callers]
      if (strangers) yield ['anonymous', strangers]
      if (addresses) yield ['address', addresses]
      for (const [name, made] of operations.entries()) {
        if (made === null) continue
        yield [`operation ${name}`, made.callers]
        yield [`anonymous ${name}`, made.strangers]
      }
    },
  }
}

/** Two of one rate: addresses that anybody can make up must not drive out the buckets of callers. */
interface OperationTables {
  readonly callers: BucketTable
  readonly strangers: BucketTable
}

const ANONYMOUS = 'anonymous'

const whose = ({ id }: Caller) => (id === ANONYMOUS ? 'anonymous' : 'caller')

type LimitedTool = Pick<Tool, 'name' | 'rate'>

const tableOf = (perMinute: number): BucketTable | undefined =>
  Number.isFinite(perMinute) ? new BucketTable({ perMinute, burst: perMinute }) : undefined

/** No list and no closure: each call asks. */
function firstEmpty(
  nowMs: number,
  own: TokenBucket | undefined,
  address: TokenBucket | undefined,
  operation: TokenBucket | undefined,
): TokenBucket | undefined {
  if (own !== undefined && own.waitMs(nowMs) > 0) return own
  if (address !== undefined && address.waitMs(nowMs) > 0) return address
  return operation !== undefined && operation.waitMs(nowMs) > 0 ? operation : undefined
}

interface Refused {
  readonly caller: Caller
  readonly tool: LimitedTool
}

function refusal(limit: CallLimit, bucket: TokenBucket, nowMs: number, { caller, tool }: Refused): Fault {
  const { perMinute, burst } = bucket.rate
  const retryAfterMs = Math.ceil(bucket.waitMs(nowMs))
  const what = {
    caller: `${caller.name} made too many calls`,
    anonymous: 'Too many calls without a token came from this address',
    address: 'Too many calls came from this address',
    operation: `${caller.name} made too many calls of ${tool.name}`,
  }[limit]
  const allowed = burst === perMinute ? `${perMinute} a minute` : `${perMinute} a minute, ${burst} at once`
  return new Fault('rate_limited', `${what}: it may be ${allowed}.`, {
    hint: `Try again in ${Math.ceil(retryAfterMs / 1000)} s.`,
    retryAfterMs,
    details: { limit, per_minute: perMinute, burst },
  })
}
