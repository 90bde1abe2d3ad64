import { EXIT_OF_FAULT, EXITS } from '../../src/adapters/cli/exit-codes.ts'
import { FAULTS, type FaultCode } from '../../src/kernel/fault.ts'
import { code, GENERATED, page, table } from './markdown.ts'

/** Every way a call can fail, with its number in each protocol. */
export function faultsPage(): string {
  const rows = Object.entries(FAULTS).map(([name, { status, rpc, retryable, means }]) => [
    code(name),
    String(status),
    String(rpc),
    String(EXITS[EXIT_OF_FAULT[name as FaultCode]].code),
    retryable ? 'yes' : '–',
    means,
  ])
  return page(
    `${GENERATED}\n# Faults`,
    'A call fails with one of these codes, whatever protocol it came by. REST answers with problem details (RFC 9457), ' +
      'JSON-RPC with the number; `message` says what failed, `hint` what to do, `retry_after_ms` when to try again. ' +
      '`retryable` is as below, and false where a second call could do once more what was done already.',
    table(['code', 'HTTP', 'JSON-RPC', 'exit code', 'retry helps', 'means'], rows),
  )
}
