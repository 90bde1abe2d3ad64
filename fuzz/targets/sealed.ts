import { deepEqual, equal, ok } from 'node:assert/strict'
import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { ChainSigner } from '../../src/engines/audit/chain.ts'
import { openHeadFile } from '../../src/engines/audit/head-file.ts'
import { verifyLines } from '../../src/engines/audit/lines.ts'
import { firstAnchor } from '../../src/engines/audit/anchor.ts'
import { VALUE_COLUMNS } from '../../src/engines/audit/columns.ts'
import { CHUNK_BYTES, decryptChunks, encryptChunks } from '../../src/engines/backup/chunks.ts'
import { readEntries, writeEntries } from '../../src/engines/backup/entries.ts'
import { readHeader } from '../../src/engines/backup/header.ts'
import { formatRecoveryKey, parseRecoveryKey } from '../../src/engines/backup/recovery-key.ts'
import { hashPairingCode } from '../../src/engines/people/pairing-code.ts'
import { isOutdated } from '../../src/engines/people/password-hash.ts'
import { keyOf, openBytes, sealBytes } from '../../src/engines/secrets/cipher.ts'
import { parseSealed, sealedText } from '../../src/engines/secrets/sealed-text.ts'
import { parseTraceparent } from '../../src/engines/tracing/traceparent.ts'
import { heldClock } from '../../src/kernel/clock.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { createRedaction } from '../../src/kernel/redact.ts'
import { visibleText } from '../../src/kernel/visible-text.ts'
import type { Target } from '../target.ts'
import { faultOr, faultOrAsync, jsonOf, joined, partsOf } from '../expect.ts'

const key = keyOf(Buffer.alloc(32, 7))
const sealed = sealBytes(key, Buffer.from('plain'), Buffer.from('context'))
const NAME = { name: 'hub', version: 1, id: key.id }

/** Made the same each time, as the nonce of `sealBytes` is not. */
const fileKey = createHash('sha256').update('fuzz').digest()

async function bytesOf(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all)
}

const MANIFEST = {
  is: 'manifest',
  version: '0.1.0',
  created: '2026-01-01T00:00:00Z',
  store: 'sqlite',
  moved: {},
} as const
async function* twoEntries() {
  yield { head: MANIFEST, data: noBytes() }
  yield { head: { is: 'file', path: 'data.db' } as const, data: someBytes() }
}
async function* noBytes(): AsyncGenerator<Buffer> {}
async function* someBytes() {
  yield Buffer.from('abc')
  yield Buffer.from('def')
}
const entries = await bytesOf(writeEntries(twoEntries()))
const chunks = await bytesOf(encryptChunks(fileKey, [Buffer.alloc(100, 1)]))
const twoChunks = await bytesOf(encryptChunks(fileKey, [Buffer.alloc(CHUNK_BYTES + 5, 2)]))

const HEADER = `alicia-backup 1\n${JSON.stringify({
  is: 'recovery',
  salt: Buffer.alloc(16).toString('base64url'),
  wrapped: Buffer.alloc(48).toString('base64url'),
})}\nmac\nsealed`

const signer = new ChainSigner(() => [{ id: '01234567', bytes: Buffer.alloc(32, 1) }])
const anchor = firstAnchor(signer, 'abc', 1)
const VALUES = VALUE_COLUMNS.map((column) => (column.endsWith('_ms') ? 5 : column))
const first = signer.append({ chain: 'abc', seq: 0, bytes: 0, mac: '' }, JSON.stringify(VALUES))
const second = signer.append(first, JSON.stringify(VALUES))
const rowOf = ({ values, ...place }: typeof first) =>
  JSON.stringify({
    line: 'entry',
    ...Object.fromEntries(VALUE_COLUMNS.map((column, at) => [column, values[at]])),
    ...place,
  })
const EXPORT = [
  JSON.stringify({ line: 'chain', ...anchor }),
  rowOf(first),
  rowOf(second),
  JSON.stringify({ line: 'end', chain: 'abc', seq: 2, mac: second.mac }),
  '',
].join('\n')

const SECRET = 'k3yMaterial0987654321'
const redact = createRedaction({ paths: ['door.number'] })

/** Where secrets stand in calls: each `§` becomes one. */
const HOLDERS = [
  '{"password":"§"}',
  '{"a":{"apiKey":"§","b":1}}',
  '{"payload":"{\\"token\\":\\"§\\"}"}',
  '{"url":"mqtt://user:§@host:1883/x"}',
  '{"text":"Authorization: Bearer §"}',
  '{"text":"password=§&x=1"}',
  '{"text":"passphrase: \\"§ §\\""}',
  '{"text":"secret=\'§ §\'"}',
  '{"door":{"number":"§"}}',
  '{"list":[{"refresh_token":["§","§"]}]}',
  '{"text":"alicia_§"}',
]

export const SEALED_TARGETS: readonly Target[] = [
  {
    name: 'sealed/text',
    covers: ['src/engines/secrets/sealed-text.ts'],
    seeds: [
      sealedText(NAME, Buffer.alloc(28)),
      `v1.${key.id}.${Buffer.alloc(40).toString('base64url')}`,
      'v2.a.0.00000000.x',
    ],
    check(input) {
      const text = input.toString('latin1')
      const parts = parseSealed(text)
      if (parts?.form === 'v2') equal(sealedText(parts, parts.bytes), text)
      if (parts?.form === 'v1') equal(`v1.${parts.id}.${parts.bytes.toString('base64url')}`, text)
    },
  },
  {
    name: 'sealed/cipher',
    covers: ['src/engines/secrets/cipher.ts'],
    seeds: [sealed, sealed.subarray(0, 27), Buffer.alloc(0)],
    check(input) {
      const plain = openBytes(key, input, Buffer.from('context'))
      equal(plain?.toString(), input.equals(sealed) ? 'plain' : undefined)
    },
  },
  {
    name: 'sealed/backup-header',
    covers: ['src/engines/backup/header.ts'],
    seeds: [HEADER, 'alicia-backup 2\n{}\n', 'SQLite format 3\0', HEADER.replace('recovery', 'passphrase')],
    tokens: ['alicia-backup 1\n', '"is":"passphrase"', '"cost":{"memory":64,"passes":1,"parallelism":1}', '\n'],
    async check(input) {
      const found = faultOr(() => readHeader(input), 'invalid_input', 'storage_failed')
      if (!found) return
      ok(found.length > 0 && found.length <= input.length + 2)
      if (found.is !== 'recovery') return
      const opened = await faultOrAsync(
        () => found.open({ is: 'recovery', key: formatRecoveryKey(Buffer.alloc(32)) }),
        'invalid_input',
        'storage_failed',
      )
      equal(opened, undefined)
    },
  },
  {
    name: 'sealed/backup-chunks',
    covers: ['src/engines/backup/chunks.ts'],
    seeds: [chunks, twoChunks, twoChunks.subarray(CHUNK_BYTES + 16), Buffer.alloc(0), Buffer.alloc(15)],
    longestBytes: CHUNK_BYTES + 200,
    async check(input) {
      const plain = await faultOrAsync(() => bytesOf(decryptChunks(fileKey, [input])), 'storage_failed')
      equal(plain !== undefined, input.equals(chunks) || input.equals(twoChunks))
      const halves = [input.subarray(0, input.length >> 1), input.subarray(input.length >> 1)]
      deepEqual(await faultOrAsync(() => bytesOf(decryptChunks(fileKey, halves)), 'storage_failed'), plain)
    },
  },
  {
    name: 'sealed/backup-entries',
    covers: ['src/engines/backup/entries.ts'],
    seeds: [entries, entries.subarray(0, 20), Buffer.from([0xff, 0xff, 0xff, 0xff])],
    tokens: ['{"is":"end","entries":2}', '{"is":"file","path":"x"}', '{"is":"tables"}'],
    async check(input) {
      const read: { head: typeof MANIFEST | { is: 'file'; path: string }; bytes: Buffer }[] = []
      const isWhole = await faultOrAsync(async () => {
        for await (const { head, data } of readEntries(oneOf(input)))
          read.push({ head: head as typeof MANIFEST, bytes: await bytesOf(data) })
        return true
      }, 'storage_failed')
      if (!isWhole) return
      async function* again() {
        for (const { head, bytes } of read) yield { head, data: oneOf(bytes) }
      }
      const written = await bytesOf(writeEntries(again()))
      const reread: unknown[] = []
      for await (const { head, data } of readEntries(oneOf(written))) reread.push({ head, bytes: await bytesOf(data) })
      deepEqual(reread, read)
    },
  },
  {
    name: 'sealed/recovery-key',
    covers: ['src/engines/backup/recovery-key.ts'],
    seeds: [formatRecoveryKey(Buffer.alloc(32, 0xa5)), formatRecoveryKey(Buffer.alloc(32)).toUpperCase(), 'abcd-efgh'],
    check(input) {
      const read = parseRecoveryKey(input.toString())
      if (read) {
        equal(read.length, 32)
        deepEqual(parseRecoveryKey(formatRecoveryKey(read)), read)
      }
      const bytes = createHash('sha256').update(input).digest()
      deepEqual(parseRecoveryKey(formatRecoveryKey(bytes)), bytes)
    },
  },
  {
    name: 'sealed/pairing-code',
    covers: ['src/engines/people/pairing-code.ts'],
    seeds: ['K7QM-3XHD-9FTW', 'k7qm 3xhd–9ftw', 'K7QM3XHD9FT', ' '.repeat(200)],
    check(input) {
      const typed = input.toString()
      const hash = hashPairingCode(typed)
      if (hash === undefined) return
      equal(hash.length, 64)
      equal(hashPairingCode(` ${typed.slice(0, 90)} `), typed.length <= 90 ? hash : hashPairingCode(typed.slice(0, 90)))
    },
  },
  {
    name: 'sealed/password-hash',
    covers: ['src/engines/people/password-hash.ts'],
    seeds: [
      `$argon2id$v=19$m=19456,t=2,p=1$${'a'.repeat(22)}$${'b'.repeat(43)}`,
      `$argon2id$v=19$m=9999999,t=99,p=9$${'a'.repeat(22)}$${'b'.repeat(43)}`,
      '$argon2i$v=19$',
    ],
    check(input) {
      const stored = input.toString('latin1')
      if (!isOutdated(stored)) ok(stored.startsWith('$argon2id$v=19$m=19456,t=2,p=1$'))
    },
  },
  {
    name: 'sealed/audit-export',
    covers: ['src/engines/audit/lines.ts', 'src/engines/audit/chain-check.ts', 'src/engines/audit/chain.ts'],
    seeds: [
      EXPORT,
      EXPORT.split('\n').slice(1).join('\n'),
      EXPORT.replace('"seq":2', '"seq":9'),
      '{"line":"chain"}\n{"line":"entry"}\n',
      '{}\n',
    ],
    tokens: ['{"line":"chain"', '{"line":"entry"', '{"line":"end"', '"seq":', '"mac":', '"chain":"abc"', 'null', '\n'],
    longestBytes: 4096,
    async check(input) {
      async function* lines() {
        yield* input.toString().split('\n')
      }
      const report = await faultOrAsync(() => verifyLines(signer, lines()), 'invalid_input')
      if (!report) return
      ok(report.chains.every(({ problems }) => problems.length < 30))
      // Sound is what the signer wrote, from the beginning to where it stops, and nothing else.
      if (!report.isSound || report.chains.every(({ entries, isForeign }) => entries === 0 || isForeign)) return
      const said = input
        .toString()
        .split('\n')
        .flatMap((line) => jsonOf(line) ?? [])
      const signed = EXPORT.split('\n').flatMap((line) => jsonOf(line) ?? [])
      for (const { value } of said)
        if ((value as { line: string }).line === 'entry')
          ok(
            signed.some((one) => hasAll(value, one.value)),
            'an entry that was never signed',
          )
    },
  },
  {
    name: 'sealed/audit-head',
    covers: ['src/engines/audit/head-file.ts'],
    seeds: [
      '{"heads":[{"chain":"abc","seq":1,"bytes":2,"mac":"x"}]}',
      '{"heads":[{}]}',
      'x',
      '{"heads":[{"chain":"","seq":-1}]}',
    ],
    tokens: ['"heads":[', '"chain":"a"', '"seq":1', '"bytes":0', '"mac":""'],
    check(input) {
      const file = { path: '', read: () => input.toString() }
      for (const { chain, seq, bytes, mac } of openHeadFile({ file, clock: heldClock(), log: silentLog }).heads())
        ok(chain !== '' && Number.isSafeInteger(seq) && seq >= 0 && bytes >= 0 && typeof mac === 'string')
    },
  },
  {
    name: 'sealed/traceparent',
    covers: ['src/engines/tracing/traceparent.ts'],
    seeds: [
      '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      '01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more',
      `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    ],
    check(input) {
      const text = input.toString('latin1')
      const parsed = parseTraceparent(text)
      if (parsed) ok(text.includes(`-${parsed.traceId}-${parsed.spanId}-`) && [0, 1].includes(parsed.traceFlags))
    },
  },
  {
    name: 'sealed/redaction',
    covers: ['src/kernel/redact.ts', 'src/kernel/secret-names.ts', 'src/kernel/visible-text.ts'],
    seeds: [...HOLDERS, '{"a":[[[[[[[[[[1]]]]]]]]]}', '"x"'],
    generate: fc
      .tuple(fc.constantFrom(...HOLDERS), fc.constantFrom('§', '{"b":§}', '[§,1]', '{"x":"y","c":[§]}'))
      .map(([holder, around]) => around.replace('§', () => holder)),
    tokens: ['"password":', '"token":', '\\"', '"__proto__":'],
    check(input) {
      const parsed = jsonOf(input.toString())
      if (!parsed) return
      const text = JSON.stringify(redact(parsed.value)) ?? ''
      ok(text.length < 20_000, `${text.length} characters`)
      equal(JSON.stringify(redact(parsed.value)), JSON.stringify(redact(jsonOf(input.toString())?.value)))
      ok(visibleText(text) === text || /\\u/.test(text), 'characters that nobody sees')
    },
  },
  {
    name: 'sealed/redacted-secrets',
    covers: ['src/kernel/redact.ts'],
    seeds: HOLDERS.map((holder) => joined([holder, '{"note":§}'])),
    generate: fc
      .tuple(
        fc.constantFrom(...HOLDERS),
        fc.oneof(
          fc.constantFrom('§', '[§]', '{"a":[{"b":§}]}'),
          fc.jsonValue({ maxDepth: 2 }).map((value) => `{"more":${JSON.stringify(value)},"x":§}`),
        ),
      )
      .map(joined),
    check(input) {
      const [holder = '', around = ''] = partsOf(input, 2)
      // A holder as it is, whatever stands around it; a mutated one may be no holder any more.
      if (!HOLDERS.includes(holder)) return
      const parsed = jsonOf(around.replace('§', () => holder.replaceAll('§', SECRET)))
      if (parsed) ok(!JSON.stringify(redact(parsed.value) ?? null).includes(SECRET), 'a secret is shown')
    },
  },
]

async function* oneOf(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}

/** Whether every member of one that the other has too is the same, and the mac is there. */
function hasAll(some: unknown, all: unknown): boolean {
  const [one, other] = [some, all] as [Record<string, unknown>, Record<string, unknown>]
  return (
    one['mac'] === other['mac'] && VALUE_COLUMNS.every((column) => (one[column] ?? null) === (other[column] ?? null))
  )
}
