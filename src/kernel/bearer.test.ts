import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { bearerChallenge, canStepUp } from './bearer.ts'

suite('challenges', () => {
  const metadataUrl = 'https://home.example/.well-known/oauth-protected-resource/mcp'
  const texts = [
    [{}, 'Bearer realm="alicia"'],
    [{ scope: 'a"\\b' }, String.raw`Bearer realm="alicia", scope="a\"\\b"`],
    [{ metadataUrl }, `Bearer realm="alicia", resource_metadata="${metadataUrl}"`],
    [
      { error: 'insufficient_scope', scope: 'lamps:write', metadataUrl },
      `Bearer realm="alicia", error="insufficient_scope", scope="lamps:write", resource_metadata="${metadataUrl}"`,
    ],
  ] as const
  for (const [challenge, text] of texts) test(text, () => assert.equal(bearerChallenge(challenge), text))

  const steps: readonly [readonly string[], readonly string[] | undefined, boolean][] = [
    [['lamps:read'], undefined, true],
    [['lamps:read'], ['lamps:*'], true],
    [['lamps:read'], ['lamps:read'], false],
    [['lamps:read'], ['lamps:*@room/kitchen'], true],
    [['lamps:*@room/kitchen'], ['lamps:*@room/kitchen'], false],
    [['lamps:*@room/kitchen'], ['*'], true],
  ]
  for (const [scopes, attainable, isUseful] of steps)
    test(`${scopes.join()} of ${attainable?.join() ?? 'nobody knows'}: ${isUseful ? '' : 'no '}step up`, () =>
      assert.equal(canStepUp({ scopes, ...(attainable && { attainable }) }, 'lamps:write'), isUseful))
})
