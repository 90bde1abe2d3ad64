import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Fault, faultText } from '../../kernel/fault.ts'
import { connectFault } from './connect-fault.ts'
import { ClosedEarly } from './open-connection.ts'

const coded = (code: string | number, message = 'secret detail') => Object.assign(new Error(message), { code })

suite('why no connection came about', () => {
  const faults: readonly (readonly [unknown, string, RegExp])[] = [
    [coded('ECONNREFUSED'), 'unavailable', /nothing listens there/],
    [coded('ENOTFOUND'), 'upstream_failed', /host name is not known/],
    [coded('EHOSTUNREACH'), 'unavailable', /cannot be reached/],
    [coded('CERT_HAS_EXPIRED'), 'upstream_failed', /has expired/],
    [coded('CERT_NOT_YET_VALID'), 'upstream_failed', /clocks/],
    [coded('UNABLE_TO_GET_ISSUER_CERT_LOCALLY'), 'upstream_failed', /unknown CA.*reject_unauthorized/],
    [coded('DEPTH_ZERO_SELF_SIGNED_CERT'), 'upstream_failed', /self-signed/],
    [coded('ERR_TLS_CERT_ALTNAME_INVALID'), 'upstream_failed', /another host name/],
    [coded('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), 'upstream_failed', /client certificate/],
    [coded('ERR_SSL_SOMETHING_NEW'), 'upstream_failed', /TLS handshake failed/],
    [coded('ERR_OSSL_PEM_NO_START_LINE'), 'invalid_input', /client_cert/],
    [coded(4), 'upstream_failed', /bad user name or password \(4\).*Check user name/],
    [coded(134), 'upstream_failed', /bad user name or password \(134\)/],
    [coded(133), 'upstream_failed', /client id not valid/],
    [coded(132), 'upstream_failed', /protocol_version/],
    [coded(137), 'unavailable', /busy.*again in a while/],
    [coded(199), 'upstream_failed', /a reason unknown to us \(199\)/],
    [new ClosedEarly('x'), 'upstream_failed', /without an answer/],
    [new Error('Unexpected server response: 404'), 'upstream_failed', /server response: 404/],
  ]
  for (const [error, code, says] of faults)
    test(`${error instanceof Error && 'code' in error ? String(error.code) : String(error)} is ${code}`, () => {
      const fault = connectFault(error, { address: 'mqtt://broker:1883', atOwnBroker: false })
      assert.equal(fault.code, code)
      assert.match(faultText(fault), says)
      assert.match(fault.message, /mqtt:\/\/broker:1883/)
      assert.doesNotMatch(faultText(fault), /secret detail/)
    })

  test('wrong credentials at the own broker: how to do without', () => {
    const fault = connectFault(coded(5), { address: 'mqtt://127.0.0.1:1883', atOwnBroker: true })
    assert.match(faultText(fault), /leave connection_string out/)
  })

  test('a fault stays what it is', () => {
    const fault = new Fault('storage_failed', 'the key is gone')
    assert.equal(connectFault(fault, { address: 'x', atOwnBroker: false }), fault)
  })
})
