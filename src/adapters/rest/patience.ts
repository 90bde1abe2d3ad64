import { Fault } from '../../kernel/fault.ts'

/**
 * How long the caller is willing to wait, in milliseconds: `X-Request-Timeout-Ms`, or `Prefer: wait=<seconds>`
 * (RFC 7240, 4.3); the shorter one counts. Throws Fault `invalid_request` for a header that is no positive number.
 */
export function patienceMs(headers: Pick<Headers, 'get'>): number | undefined {
  const own = headers.get('x-request-timeout-ms')
  const prefer = headers.get('prefer')
  if (own === null && prefer === null) return undefined
  const waits = [own === null ? undefined : positive(own, 'X-Request-Timeout-Ms'), preferredMs(prefer)]
  const given = waits.filter((wait) => wait !== undefined)
  return given.length === 0 ? undefined : Math.min(...given)
}

function preferredMs(prefer: string | null): number | undefined {
  const wait = prefer === null ? undefined : /(?:^|[,;])\s*wait\s*=\s*"?([^\s",;]+)/i.exec(prefer)?.[1]
  return wait === undefined ? undefined : positive(wait, 'Prefer: wait') * 1000
}

function positive(text: string, name: string): number {
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text)
  throw new Fault(
    'invalid_request',
    `${name} has to be a whole number above 0, not ${JSON.stringify(text.slice(0, 50))}.`,
  )
}
