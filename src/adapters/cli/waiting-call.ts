import { visibleText } from '../../kernel/visible-text.ts'
import type { Style } from './style.ts'

/** A call that waits, as `approvals.list_approvals` gives it. */
export interface WaitingCall {
  readonly id: string
  readonly operation: string
  readonly summary: string
  readonly provider: string
  readonly caller: {
    readonly name: string
    readonly person?: string
    readonly role?: string
    readonly via: string
    readonly address?: string
  }
  readonly arguments: unknown
  readonly fingerprint: string
  readonly asked_at: string
  readonly until: string
}

/** What an earlier yes still allows. */
export interface Allowance {
  readonly id: string
  readonly operation: string
  readonly caller: string
  readonly approved_by: string
  readonly until: string
}

export interface ApprovalList {
  readonly version: number
  readonly waiting: readonly WaitingCall[]
  readonly allowed: readonly Allowance[]
}

/** What a person has to read before saying yes: who asks, for what, with which arguments. The hub's word, spelt out once more. */
export function waitingCallLines(call: WaitingCall, { bold, dim }: Style): readonly string[] {
  const { caller } = call
  const from = [caller.person, caller.role, `by ${caller.via}`, caller.address && `from ${caller.address}`]
    .filter(Boolean)
    .join(', ')
  return [
    `${bold(visibleText(call.id))}  ${bold(visibleText(call.operation))}  ${dim(`until ${timeOf(call.until)}`)}`,
    `  ${visibleText(caller.name)} ${dim(`(${visibleText(from)})`)}`,
    `  ${dim(visibleText(call.summary))}`,
    ...argumentLines(call.arguments).map((line) => `    ${line}`),
  ]
}

export const allowanceLine = ({ id, operation, caller, approved_by: by, until }: Allowance): string =>
  visibleText(`${id}  ${caller} may ${operation} until ${timeOf(until)} (${by})`)

/** One line a member; a text that is long stands on its own line. */
function argumentLines(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [visibleText(JSON.stringify(value) ?? '')]
  const members = Object.entries(value)
  if (members.length === 0) return ['without arguments']
  return members.map(([name, member]) => `${visibleText(name)}: ${visibleText(JSON.stringify(member) ?? '')}`)
}

/** The clock on the wall, for somebody who has to hurry. */
const timeOf = (iso: string): string => {
  const time = new Date(iso)
  return Number.isNaN(time.getTime()) ? iso : time.toTimeString().slice(0, 8)
}
