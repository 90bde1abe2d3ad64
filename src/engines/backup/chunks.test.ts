import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { suite, test } from 'node:test'
import { CHUNK_BYTES, decryptChunks, encryptChunks } from './chunks.ts'

const key = randomBytes(32)
const SEALED_BYTES = CHUNK_BYTES + 16

async function all(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const piece of pieces) parts.push(piece)
  return Buffer.concat(parts)
}

/** The same bytes in pieces of whatever size. */
function* piecesOf(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

suite('encrypted chunks', () => {
  const sizes = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 3 * CHUNK_BYTES + 7]
  for (const size of sizes)
    test(`${size} bytes come back, in whatever pieces they come`, async () => {
      const plain = randomBytes(size)
      for (const piece of [1000, CHUNK_BYTES, 200_000]) {
        const sealed = await all(encryptChunks(key, piecesOf(plain, piece)))
        assert.equal(sealed.length, size + 16 * Math.max(1, Math.ceil(size / CHUNK_BYTES)))
        assert.deepEqual(await all(decryptChunks(key, piecesOf(sealed, piece))), plain)
      }
    })

  test('chunks that are left out, changed places, came twice, or are of another file', async () => {
    const sealed = await all(encryptChunks(key, [randomBytes(3 * CHUNK_BYTES + 5)]))
    const other = await all(encryptChunks(randomBytes(32), [randomBytes(3 * CHUNK_BYTES + 5)]))
    const [a, b, c, d] = [...piecesOf(sealed, SEALED_BYTES)] as [Buffer, Buffer, Buffer, Buffer]
    const [foreign] = piecesOf(other, SEALED_BYTES)
    const wrong: Readonly<Record<string, readonly (Buffer | undefined)[]>> = {
      'nothing at all': [],
      'cut between two': [a, b, c],
      'only the first': [a],
      'only the last': [d],
      'the first left out': [b, c, d],
      'one in the middle left out': [a, c, d],
      'two changed places': [a, c, b, d],
      'one twice': [a, b, b, c, d],
      'the last twice': [a, b, c, d, d],
      'one of another file': [a, foreign, c, d],
      'a byte behind': [a, b, c, d, Buffer.alloc(1)],
    }
    for (const [why, pieces] of Object.entries(wrong)) {
      const bytes = Buffer.concat(pieces.filter((piece) => piece !== undefined))
      await assert.rejects(all(decryptChunks(key, [bytes])), { code: 'storage_failed' }, why)
    }
  })
})
