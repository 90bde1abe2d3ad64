import type { Hub, ServerReport } from '../../kernel/ports.ts'
import type { Provider } from '../../kernel/registry.ts'
import type { StatusReport } from '../../kernel/status.ts'

/** Who is looked at: a service, a server, or a part of the hub that offers nothing itself. */
export interface Subject {
  readonly id: string
  readonly kind: Provider['kind'] | 'part'
  readonly report: StatusReport
  /** Of what offers something. */
  readonly provider?: Provider
  /** Of an MCP server. */
  readonly state?: ServerReport['state']
  /** Its definition is wrong: there is nothing to start. */
  readonly isUnusable: boolean
  /** Somebody stopped it. */
  readonly isStopped: boolean
  /** What it needs is down. */
  readonly isBlocked: boolean
}

/** Undefined: there is nobody of that name. */
export function subjectOf(id: string, hub: Hub): Subject | undefined {
  const provider = [...hub.registry.providers()].find((one) => one.id === id)
  const parts = hub.parts()
  const part = parts.find(({ name }) => name === id)
  const report = provider?.report() ?? part
  if (!report) return undefined
  const state = hub
    .gateway()
    ?.servers()
    .find((server) => server.id === id)?.state
  const isStopped =
    state === 'stopped' || hub.control.states().some((own) => own.name === id && own.state === 'stopped')
  const isUnusable = provider === undefined && state === 'failed'
  const isBlocked = parts.some(({ name, status }) => status === 'unavailable' && part?.needs.includes(name))
  return {
    id,
    kind: provider?.kind ?? (state === undefined ? 'part' : 'upstream'),
    report,
    ...(provider && { provider }),
    ...(state && { state }),
    isUnusable,
    isStopped,
    isBlocked,
  }
}

/** What ends it that this one is down, in words. */
export function wayBack({ id, kind, state, isUnusable, isStopped, isBlocked }: Subject): string {
  if (isBlocked)
    return 'It is down because of what it needs: the reason names it, and it comes back by itself with that.'
  if (isStopped && kind === 'upstream')
    return `Nothing is wrong with it, it was stopped: \`alicia restart ${id}\` starts it.`
  if (isStopped) return `Nothing is wrong with it, it was stopped: \`alicia call start_service name=${id}\` starts it.`
  if (kind !== 'upstream')
    return 'It is down: the reason above names what it waits for, and it comes back by itself when that is there.'
  if (isUnusable) return 'Its definition is wrong: the reason above says where and what; it starts once that is mended.'
  if (state === 'needs_login') return `It wants a login: \`alicia login ${id}\`.`
  const look = `\`alicia logs ${id}\` shows what it said last, \`alicia inspect ${id}\` how it is started`
  if (state === 'backing_off') return `It is down, and started again by itself: ${look}.`
  if (state === 'failed')
    return `It is given up until \`alicia restart ${id}\`, or until its definition changes: ${look}.`
  return `It is down: ${look}.`
}
