import type { Caller } from '../../kernel/caller.ts'
import { RpcError, type Request } from '../../kernel/mcp/message.ts'
import { RPC } from '../../kernel/mcp/protocol.ts'
import type { JsonText } from '../../kernel/mcp/raw.ts'
import { askTarget, type Asked } from './ask-target.ts'
import type { Exchange } from './exchange.ts'
import { forClient, nobodys, targetsOf } from './methods.ts'
import type { McpServer } from './server.ts'
import type { Watch, Watches } from './watches.ts'

/** Resources that one client may want to hear of. */
const MOST_WATCHED = 1000

const tooMany = () =>
  new RpcError(RPC.invalidParams, `A client can subscribe to ${MOST_WATCHED} resources. Unsubscribe from some first.`)

/** The resources that one client wants to hear of, by the address it knows. */
export class WatchList {
  readonly #watches: Watches
  readonly caller: Caller
  readonly #byAddress = new Map<string, Watch>()

  constructor(watches: Watches, caller: Caller) {
    this.#watches = watches
    this.caller = caller
  }

  /** Answers `resources/subscribe` and `resources/unsubscribe`. Throws RpcError, or RelayedError of whose it is. */
  async change(server: McpServer, request: Request, exchange: Exchange): Promise<JsonText> {
    const { uri } = request.params
    if (request.method === 'resources/unsubscribe') {
      if (typeof uri === 'string') this.#drop(uri)
      return '{}'
    }
    return await this.add(server, { ...request, method: 'resources/subscribe' }, exchange)
  }

  /** Asks whose it is to report changes of the resource `params.uri`. */
  async add(server: McpServer, request: Asked, exchange: Exchange): Promise<JsonText> {
    const uri = String(request.params['uri'])
    if (this.#byAddress.size >= MOST_WATCHED && !this.#byAddress.has(uri)) throw tooMany()
    const [target] = targetsOf(server, request, exchange)
    if (!target) throw nobodys(request, exchange)
    const watch = { provider: target.provider.id, uri: target.own ?? uri, caller: this.caller }
    // Counted before it is asked for: whoever goes meanwhile would be taken for the last, and end it for both.
    this.#watches.add(watch.provider, watch.uri)
    let isKept = false
    try {
      const answer = await askTarget(server, target, request, exchange)
      isKept = !this.#byAddress.has(uri) && !exchange.isWithdrawn
      if (isKept) this.#byAddress.set(uri, watch)
      return answer
    } catch (error) {
      throw forClient(error)
    } finally {
      if (!isKept) this.#watches.remove(watch)
    }
  }

  /** Whether an update of that provider's resource is news here; it may be of a part of what is watched. */
  includes(provider: string, uri: string): boolean {
    for (const watch of this.#byAddress.values())
      if (watch.provider === provider && uri.startsWith(watch.uri)) return true
    return false
  }

  close(): void {
    for (const address of this.#byAddress.keys()) this.#drop(address)
  }

  #drop(address: string): void {
    const watch = this.#byAddress.get(address)
    if (!watch) return
    this.#byAddress.delete(address)
    this.#watches.remove(watch)
  }
}
