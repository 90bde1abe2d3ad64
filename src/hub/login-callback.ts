import type { IncomingMessage, ServerResponse } from 'node:http'
import { createAddressOf, createIsProxy } from '../adapters/http/client-address.ts'
import type { Config } from '../config.ts'
import { loginCallback } from '../gateway/oauth/callback.ts'
import type { Events } from '../kernel/events.ts'
import { Fault } from '../kernel/fault.ts'
import type { Log } from '../kernel/log.ts'
import type { Gateway } from '../kernel/ports.ts'
import type { Authorization } from './authorization.ts'

export interface LoginCallbackOptions {
  readonly config: Pick<Config, 'trustedProxies'>
  readonly authorization: Pick<Authorization, 'visitor'>
  readonly events: Pick<Events, 'emit'>
  readonly log: Log
  /** Undefined while it does not run. */
  gateway(): Pick<Gateway, 'waitingLogin' | 'finishLogin'> | undefined
}

/** The page that ends a login at an upstream server: whose it is the gateway knows, and who has come the authorization server. */
export function createLoginCallback(
  options: LoginCallbackOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { config, authorization, events, log, gateway } = options
  const addressOf = createAddressOf(createIsProxy(config.trustedProxies))
  return (request, response) =>
    void loginCallback(request, response, {
      log,
      waiting: (state) => gateway()?.waitingLogin(state),
      visitor: authorization.visitor,
      async finish(answer, signal, account) {
        const running = gateway()
        if (running) return await running.finishLogin(answer, signal, account)
        throw new Fault('unavailable', 'The hub is not ready for logins.', { hint: 'Try again in a moment.' })
      },
      onStranger({ server, account: begunBy }, id) {
        const address = addressOf(request)
        events.emit('security.noted', {
          kind: 'login.failed',
          outcome: 'forbidden',
          via: 'rest',
          ...(address !== undefined && { address }),
          who: { id },
          details: { at: 'MCP server', server, begunBy },
        })
      },
    })
}
