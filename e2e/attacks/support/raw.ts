import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import type { TestHub } from '../../support/hub.ts'

/** One request as bytes, with whatever stands in it; resolves to the status of each answer that came before the connection ended. */
export async function statusesOf(hub: Pick<TestHub, 'urls'>, bytes: string): Promise<number[]> {
  const answers = await rawAnswers(hub, bytes)
  return [...answers.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status))
}

/** Everything that came back. The request has to say that the connection ends with it, or be wrong. */
export async function rawAnswers({ urls }: Pick<TestHub, 'urls'>, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(urls.http).port), '127.0.0.1')
  socket.setEncoding('latin1').write(bytes, 'latin1')
  return await text(socket)
}
