import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import process from 'node:process'

/**
 * What the hub is compared with: node:http alone, which parses the same JSON and answers the same JSON, with no
 * identity, limits, validation, metrics or audit. The answers are those of `ping`, down to the last field.
 */
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const answer = JSON.stringify(answerTo(request, JSON.parse(Buffer.concat(chunks).toString())))
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) })
    response.end(answer)
  })
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))

interface JsonRpc {
  readonly id: number
  readonly params: { readonly _meta?: object }
}

const SERVER_INFO = { 'io.modelcontextprotocol/serverInfo': { name: 'alicia', title: 'Alicia', version: '0.1.0' } }

function answerTo({ url }: IncomingMessage, body: JsonRpc): object {
  const pong = { pong: true, time: new Date().toISOString() }
  if (url !== '/mcp') return pong
  const result = { content: [{ type: 'text', text: JSON.stringify(pong) }], structuredContent: pong }
  const complete = { resultType: 'complete', ...result, _meta: SERVER_INFO }
  return { jsonrpc: '2.0', id: body.id, result: body.params._meta ? complete : result }
}
