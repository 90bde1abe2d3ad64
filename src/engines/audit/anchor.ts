import type { AnchorRow } from './audit-table.ts'
import type { ChainSigner, Head } from './chain.ts'

type Unsigned = Omit<AnchorRow, 'signature'>

/** Of a chain that begins. */
export const firstAnchor = (signer: ChainSigner, chain: string, nowMs: number): AnchorRow =>
  signed(signer, { chain, started_ms: nowMs, pruned_seq: 0, pruned_bytes: 0, pruned_mac: '', pruned_ms: nowMs })

/** Of a chain that was pruned up to and including this entry. */
export const nextAnchor = (
  signer: ChainSigner,
  { chain, started_ms }: AnchorRow,
  last: Head,
  nowMs: number,
): AnchorRow =>
  signed(signer, {
    chain,
    started_ms,
    pruned_seq: last.seq,
    pruned_bytes: last.bytes,
    pruned_mac: last.mac,
    pruned_ms: nowMs,
  })

export const isGenuine = (signer: ChainSigner, anchor: AnchorRow): boolean =>
  signer.isSigned(anchor.signature, ...partsOf(anchor))

/** Where the chain goes on from. */
export const headOf = ({ chain, pruned_seq: seq, pruned_bytes: bytes, pruned_mac: mac }: AnchorRow): Head => ({
  chain,
  seq,
  bytes,
  mac,
})

const signed = (signer: ChainSigner, anchor: Unsigned): AnchorRow => ({
  ...anchor,
  signature: signer.sign(...partsOf(anchor)),
})

const partsOf = (anchor: Unsigned): (string | number)[] => [
  anchor.chain,
  anchor.started_ms,
  anchor.pruned_seq,
  anchor.pruned_bytes,
  anchor.pruned_mac,
  anchor.pruned_ms,
]
