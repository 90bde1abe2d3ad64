import { z } from 'zod'
import { operation } from '../../kernel/operation.ts'
import { Name, type Deps } from './shapes.ts'

const LOGIN_MS = 60_000

export const loginServer = operation<Deps>()({
  name: 'gateway.login_server',
  summary: 'Begins a login at a protected MCP server: gives the address a person has to open in a browser.',
  description:
    'The login is the caller’s own: tokens are kept encrypted, for that person alone, who may have to sign in at the hub to end it.',
  scope: 'gateway:login',
  effect: 'write',
  openWorld: true,
  timeoutMs: LOGIN_MS,
  input: z.object({ name: Name }),
  output: z.object({ authorization_url: z.url() }),
  async handler({ name }, { gateway, caller, signal }) {
    const { authorizationUrl } = await gateway.login(name, caller, signal)
    return { authorization_url: authorizationUrl }
  },
})

export const logoutServer = operation<Deps>()({
  name: 'gateway.logout_server',
  summary: "Forgets the caller's login at a protected MCP server, and revokes it where the server can.",
  scope: 'gateway:login',
  effect: 'write',
  idempotent: true,
  openWorld: true,
  timeoutMs: LOGIN_MS,
  input: z.object({ name: Name }),
  output: z.object({}),
  async handler({ name }, { gateway, caller, signal }) {
    await gateway.logout(name, caller, signal)
    return {}
  },
})
