/** What a broker says in one byte, in words: MQTT 5 §2.4; below 128 and not 0, the return codes of MQTT 3.1.1 §3.2.2.3. */
const REASONS: Readonly<Record<number, string>> = {
  1: 'unacceptable protocol version',
  2: 'client id rejected',
  3: 'broker unavailable',
  4: 'bad user name or password',
  5: 'not authorized',
  128: 'unspecified error',
  129: 'malformed packet',
  130: 'protocol error',
  131: 'implementation specific error',
  132: 'unsupported protocol version',
  133: 'client id not valid',
  134: 'bad user name or password',
  135: 'not authorized',
  136: 'broker unavailable',
  137: 'broker busy',
  138: 'banned',
  139: 'broker shutting down',
  140: 'bad authentication method',
  141: 'keep alive timeout',
  142: 'session taken over by another client with the same client id',
  143: 'topic filter not valid there',
  144: 'topic name not valid there',
  145: 'packet identifier in use',
  146: 'packet identifier not found',
  147: 'receive maximum exceeded',
  148: 'topic alias not valid',
  149: 'packet too large',
  150: 'message rate too high',
  151: 'quota exceeded',
  152: 'administrative action',
  153: 'payload format not valid',
  154: 'retained messages not supported',
  155: 'this QoS is not supported',
  156: 'use another server',
  157: 'server moved',
  158: 'shared subscriptions not supported',
  159: 'connection rate exceeded',
  160: 'maximum connect time reached',
  161: 'subscription identifiers not supported',
  162: 'wildcard subscriptions not supported',
}

/** The words with the number, as in `not authorized (135)`. */
export function reasonText(code: number): string {
  return `${REASONS[code] ?? 'a reason unknown to us'} (${code})`
}

/** Refusals that changing the credentials can mend. */
export const isCredentialRefusal = (code: number): boolean => [4, 5, 134, 135, 140].includes(code)

/** Refusals that mean "not this revision of MQTT". Brokers before MQTT 5 answer 1; some call the packet malformed. */
export const isVersionRefusal = (code: number): boolean => [1, 129, 130, 132].includes(code)

/** Refusals that may pass by themselves. */
export const isBusyRefusal = (code: number): boolean => [3, 136, 137, 139, 159].includes(code)
